/// An amount of IOTA in its smallest unit, the NANOS: 1 IOTA = 10⁹ NANOS.
///
/// The whole supply, below 5 × 10¹⁸, fits an Int64; amounts beyond it are refused where they are
/// read.
public typealias Nanos = Int64
