import Testing

@testable import HTTP

struct ShownURLTests {
  @Test(arguments: [
    ("https://api.mainnet.iota.cafe", "https://api.mainnet.iota.cafe"),
    ("HTTPS://api.testnet.iota.cafe:443/", "https://api.testnet.iota.cafe:443/"),
    (
      "http://192.168.100.100:49153/upnp/control/insight1",
      "http://192.168.100.100:49153/…"
    ),
    ("http://[::1]:9000/v1/gas", "http://[::1]:9000/…"),
    ("https://rpc.ankr.com/SECRET", "https://rpc.ankr.com/…"),
    (
      "https://rpc.ankr.com/iota_mainnet/0a1b2c3d4e5f60718293a4b5c6d7e8f9",
      "https://rpc.ankr.com/…"
    ),
    ("https://go.getblock.io/deadbeefdeadbeefdeadbeefdeadbeef", "https://go.getblock.io/…"),
    ("https://iota.nownodes.io/123e4567-e89b-12d3-a456-426614174000", "https://iota.nownodes.io/…"),
    ("https://0a1b2c3d.iota.example.org/rpc", "https://….iota.example.org/…"),
    ("https://user:hunter2@node.example/rpc", "https://node.example/…"),
    ("https://user:hun/ter2@node.example/rpc", "https://node.example/…"),
    ("https://user:hun?ter2@node.example/rpc", "https://…"),
    ("https://user:hun#ter2@node.example/rpc", "https://…"),
    ("https://node.example/rpc?apikey=hunter2#hunter2", "https://node.example/…"),
    ("https://hunter2:x", "https://…"),
    ("hunter2", "(not an http or https URL)"),
    ("https://", "https://…"),
    ("", "(not an http or https URL)"),
  ]) func `shows a URL without its secrets`(url: String, shown: String) {
    #expect(ShownURL(url).description == shown)
  }

  @Test(arguments: [
    ("https://api.mainnet.iota.cafe", false), ("http://127.0.0.1:9000/graphql", false),
    ("https://rpc.ankr.com/iota_mainnet/0a1b2c3d4e5f60718293a4b5c6d7e8f9", true),
    ("https://0a1b2c3d.iota.example.org/rpc", true), ("https://user:x@node.example", true),
    ("https://node.example/?k=x", true), ("https://user:hun?ter2@node.example/rpc", true),
    ("gopher://x", false),
  ]) func `tells a key from a path, as far as that goes`(url: String, holdsKey: Bool) {
    #expect(ShownURL(url).holdsKey == holdsKey)
  }

  @Test func `hides the secrets in other text too`() {
    let url = ShownURL("https://me:hunter2@go.example/0a1b2c3d4e5f?key=swordfish")
    let text = "Could not use me:hunter2 with 0a1b2c3d4e5f and key=swordfish, token t-1"
    #expect(
      url.hidingSecrets(in: text, others: ["token t-1", ""]) == "Could not use … with … and …, …")
  }

  @Test func `hides a secret behind which an accent follows`() {
    let shown = ShownURL("https://go.example/?key=swordfish").hidingSecrets(in: "swordfish\u{301}")
    #expect(Array(shown.unicodeScalars) == ["…", "\u{301}"])
  }

  @Test func `shows no half of a secret that was cut off`() {
    let url = ShownURL("https://go.example/?key=swordfish")
    let key = "sixteen bytes and as many again."
    for margin in 0..<32 {
      let body = String(repeating: "x", count: margin) + String(repeating: key, count: 70)
      let excerpt = url.excerpt(of: Array(body.utf8), others: [key])
      #expect(!excerpt.contains("s") && excerpt.contains("…"), "\(excerpt)")
    }
    #expect(url.excerpt(of: [], others: []) == "(no body)")
    #expect(url.excerpt(of: Array("a swordfish\n".utf8), others: []) == "a …·")
  }
}
