import Foundation
import MQTTClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct MQTTClientTests {
  @Test(arguments: [MQTTOptions.ProtocolVersion.v311, .v5])
  func `messages of every quality go from client to client`(
    version: MQTTOptions.ProtocolVersion
  ) throws {
    let broker = try TestBroker()
    let receiver = try broker.client { $0.protocolVersion = version }
    let sender = try broker.client { $0.protocolVersion = version }
    try receiver.subscribe(to: "a/#", qos: .exactlyOnce)
    for qos in [MQTTMessage.QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
      let message = MQTTMessage(topic: "a/b", payload: [0, 255, UInt8(qos.rawValue)], qos: qos)
      try sender.publish(message, waitMs: 5000)
      #expect(receiver.nextMessage(timeoutMs: 5000) == message)
    }
    #expect(receiver.nextMessage(timeoutMs: 0) == nil)
  }

  @Test func `MQTT 5 carries the content type and the expiry, earlier versions neither`() throws {
    let broker = try TestBroker()
    let receiver = try broker.client { $0.protocolVersion = .v5 }
    try receiver.subscribe(to: "a")
    var message = MQTTMessage(topic: "a", text: "{}", qos: .atLeastOnce)
    message.properties = .init(contentType: "application/json", expiryS: 60)
    try broker.client { $0.protocolVersion = .v5 }.publish(message, waitMs: 5000)
    let received = try #require(receiver.nextMessage(timeoutMs: 5000))
    #expect(received.properties.contentType == "application/json")
    // The broker counts down.
    #expect((55...60).contains(received.properties.expiryS ?? 0))
    try broker.client().publish(message, waitMs: 5000)
    #expect(receiver.nextMessage(timeoutMs: 5000)?.properties == .init())
  }

  @Test func `retained messages come marked, and empty payloads are messages too`() throws {
    let broker = try TestBroker()
    let sender = try broker.client()
    try sender.publish(
      MQTTMessage(topic: "a", text: "x", qos: .atLeastOnce, isRetained: true), waitMs: 5000)
    let receiver = try broker.client()
    try receiver.subscribe(to: "a")
    #expect(receiver.nextMessage(timeoutMs: 5000)?.isRetained == true)
    try sender.publish(MQTTMessage(topic: "a", payload: []))
    #expect(receiver.nextMessage(timeoutMs: 5000)?.payload == [])
  }

  @Test func `an orderly end keeps the will back, a broken connection sends it`() throws {
    let broker = try TestBroker()
    let watcher = try broker.client()
    try watcher.subscribe(to: "#")
    let will = MQTTMessage(topic: "will", text: "gone", qos: .atLeastOnce)
    let orderly = try broker.client { $0.will = will }
    try orderly.publish(MQTTMessage(topic: "last", text: "words"))
    orderly.disconnect()
    #expect(watcher.nextMessage(timeoutMs: 5000)?.topic == "last")
    // Taking over its name breaks the other's connection, which then is no orderly end.
    let first = try broker.client {
      $0.will = will
      $0.clientID = "same"
    }
    let second = try broker.client { $0.clientID = "same" }
    // The first message since is the will of the second client: the first one's never came.
    #expect(watcher.nextMessage(timeoutMs: 5000) == MQTTMessage(topic: "will", text: "gone"))
    first.disconnect()
    second.disconnect()
    #expect(!orderly.isConnected)
  }

  @Test func `it comes back after the broker was away, with its subscriptions`() throws {
    var broker = try TestBroker()
    let port = broker.port
    let client = try broker.client()
    try client.subscribe(to: "a")
    #expect(client.connections == 1)
    broker.stop()
    let deadline = ContinuousClock.now + .seconds(10)
    while client.isConnected, ContinuousClock.now < deadline { sched_yield() }
    let error = #expect(throws: MQTTError.self) {
      try client.publish(MQTTMessage(topic: "a", text: "lost"))
    }
    #expect(error?.kind == .noConnection)
    broker = try TestBroker(port: port)
    #expect(client.waitUntilConnected(timeoutMs: 20_000))
    #expect(client.connections == 2 && client.lastFailure == nil)
    // The subscription is made again behind the connection, so the first tries may be too early.
    var received: MQTTMessage?
    for _ in 0..<50 where received == nil {
      try client.publish(MQTTMessage(topic: "a", text: "again"))
      received = client.nextMessage(timeoutMs: 100)
    }
    #expect(received?.text == "again")
  }

  @Test func `a wrong password is told in words, and not shown`() throws {
    let broker = try TestBroker { folder in
      let file = folder.appending(path: "passwords").path
      try TestBroker.run("mosquitto_passwd", "-c", "-b", file, "jane", "correct")
      try TestBroker.run("chmod", "0644", file)
      return "password_file \(file)\nallow_anonymous false"
    }
    for version in [MQTTOptions.ProtocolVersion.v311, .v5] {
      let error = #expect(throws: MQTTError.self) {
        _ = try broker.client {
          $0.protocolVersion = version
          $0.username = "jane"
          $0.password = "hunter2"
        }
      }
      #expect(error?.kind == .refused)
      #expect(error?.description.contains("127.0.0.1:\(broker.port)") == true)
      #expect(error?.description.lowercased().contains("not authori") == true)
      #expect(error?.description.contains("hunter2") == false)
    }
    let jane = try broker.client {
      $0.username = "jane"
      $0.password = "correct"
    }
    #expect(jane.isConnected)
  }

  @Test func `a port where nobody listens, and one that says nothing, are errors`() throws {
    let port = try TestBroker.freePort()
    let refused = #expect(throws: MQTTError.self) {
      try MQTTClient(MQTTOptions(host: "127.0.0.1", port: port)).connect()
    }
    #expect(refused?.description.contains("Connection refused") == true)
    let silent = try LoopbackServer { $0.waitForClose() }
    let timeout = #expect(throws: MQTTError.self) {
      try MQTTClient(MQTTOptions(host: "127.0.0.1", port: silent.port)).connect(timeoutMs: 300)
    }
    #expect(timeout?.kind == .timeout)
    let unknown = #expect(throws: MQTTError.self) {
      try MQTTClient(MQTTOptions(host: "nothing.invalid")).connect()
    }
    #expect(unknown?.kind == .noConnection)
  }

  @Test func `TLS works with the right authority, and with no other`() throws {
    let broker = try TestBroker { folder in
      let (key, certificate) = (folder.path + "/key.pem", folder.path + "/cert.pem")
      try TestBroker.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
        "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
      try TestBroker.run("chmod", "0644", key)
      return "allow_anonymous true\ncertfile \(certificate)\nkeyfile \(key)"
    }
    let authority = broker.folder.path + "/cert.pem"
    let client = try broker.client { $0.tls = MQTTOptions.TLS(caFile: authority) }
    #expect(client.isConnected)
    let untrusted = #expect(throws: MQTTError.self) {
      _ = try broker.client { $0.tls = MQTTOptions.TLS() }
    }
    #expect(untrusted?.kind == .tls)
    let missing = #expect(throws: MQTTError.self) {
      _ = try broker.client { $0.tls = MQTTOptions.TLS(caFile: "/nonexistent/ca.pem") }
    }
    #expect(missing?.description.contains("/nonexistent/ca.pem") == true)
  }

  @Test func `topics and filters that MQTT does not allow are errors`() throws {
    let client = try TestBroker().client()
    for topic in ["", "a/+", "#"] {
      #expect(throws: MQTTError.self) {
        try client.publish(MQTTMessage(topic: topic, text: "x", qos: .atLeastOnce))
      }
    }
    #expect(throws: MQTTError.self) { try client.subscribe(to: "a/#/b") }
  }

  @Test func `messages that nobody takes are dropped, the oldest first`() throws {
    let broker = try TestBroker()
    let receiver = try broker.client { $0.maximumWaiting = 2 }
    try receiver.subscribe(to: "a", qos: .atLeastOnce)
    for number in 1...4 {
      try receiver.publish(
        MQTTMessage(topic: "a", text: "\(number)", qos: .atLeastOnce), waitMs: 5000)
    }
    let deadline = ContinuousClock.now + .seconds(10)
    while receiver.droppedMessages < 2, ContinuousClock.now < deadline { sched_yield() }
    #expect(receiver.nextMessage(timeoutMs: 0)?.text == "3")
    #expect(receiver.nextMessage(timeoutMs: 0)?.text == "4")
  }
}
