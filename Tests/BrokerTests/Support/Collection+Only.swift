extension Collection {
  /// The only element; nil where there are more, or none.
  var only: Element? { count == 1 ? first : nil }
}
