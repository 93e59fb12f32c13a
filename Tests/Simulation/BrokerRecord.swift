import CMosquittoPlugin
import FakeBroker
import Glibc

/// Where the broker keeps its records: in the place of the one that was given up last, as it may
/// happen with any allocator.
final class RecordPlaces {
  private var unused: [UnsafeMutablePointer<mosquitto>] = []

  fileprivate func take() -> UnsafeMutablePointer<mosquitto> {
    unused.popLast() ?? .allocate(capacity: 1)
  }

  fileprivate func giveBack(_ place: UnsafeMutablePointer<mosquitto>) { unused.append(place) }

  deinit { for place in unused { place.deallocate() } }
}

/// What the broker keeps of a connection, and of the session that it leaves.
final class BrokerRecord {
  let pointer: UnsafeMutablePointer<mosquitto>
  private let places: RecordPlaces
  /// With which it came.
  let password: String?
  private let cameAs: UnsafeMutablePointer<CChar>?

  init(
    in places: RecordPlaces, id: String, username: String?, password: String? = nil,
    isKept: Bool = false
  ) {
    self.places = places
    self.password = password
    pointer = places.take()
    cameAs = username.flatMap { strdup($0) }
    pointer.initialize(
      to: mosquitto(
        id: strdup(id), username: UnsafePointer(cameAs), address: strdup("127.0.0.1"),
        protocol_version: 4, clean_session: !isKept, has_certificate: false, own_username: nil))
  }

  /// The name that it has by now.
  var username: String? { pointer.pointee.username.map { String(cString: $0) } }

  deinit {
    free(UnsafeMutablePointer(mutating: pointer.pointee.id))
    free(UnsafeMutablePointer(mutating: pointer.pointee.address))
    free(pointer.pointee.own_username)
    free(cameAs)
    places.giveBack(pointer)
  }
}
