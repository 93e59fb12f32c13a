/// A UPnP service of the Insight: what setup.xml lists, and its description (SCPD).
struct Service {
  struct Action {
    let name: String
    /// Names of the arguments, with true for those that come back.
    let arguments: [(name: String, isOut: Bool)]

    init(_ name: String, in inputs: [String] = [], out outputs: [String] = []) {
      self.name = name
      arguments = inputs.map { ($0, false) } + outputs.map { ($0, true) }
    }
  }

  let name: String
  let descriptionPath: String
  let actions: [Action]

  var type: String { "urn:Belkin:service:\(name):1" }
  var controlPath: String { "/upnp/control/\(name)1" }
  var eventPath: String { "/upnp/event/\(name)1" }

  /// The services of an Insight, in the order of its setup.xml.
  ///
  /// The actions are a selection; most are only listed, and answered with an error, as the device
  /// does with several of its own.
  static let all: [Service] = [
    Service(
      name: "WiFiSetup", descriptionPath: "/setupservice.xml",
      actions: [
        Action("GetApList", out: ["ApList"]), Action("GetNetworkStatus", out: ["NetworkStatus"]),
      ]),
    Service(
      name: "timesync", descriptionPath: "/timesyncservice.xml",
      actions: [
        Action("TimeSync", in: ["UTC", "TimeZone", "dst", "DstSupported"]),
        Action("GetTime"),
      ]),
    Service(
      name: "basicevent", descriptionPath: "/eventservice.xml",
      actions: [
        Action("SetBinaryState", in: ["BinaryState"], out: ["BinaryState"]),
        Action("GetBinaryState", out: ["BinaryState"]),
        Action("GetFriendlyName", out: ["FriendlyName"]),
      ]),
    Service(
      name: "firmwareupdate", descriptionPath: "/firmwareupdate.xml",
      actions: [Action("GetFirmwareVersion", out: ["FirmwareVersion"])]),
    Service(
      name: "rules", descriptionPath: "/rulesservice.xml",
      actions: [Action("FetchRules", out: ["ruleDbVersion", "ruleDbPath"])]),
    Service(
      name: "metainfo", descriptionPath: "/metainfoservice.xml",
      actions: [Action("GetMetaInfo", out: ["MetaInfo"])]),
    Service(
      name: "remoteaccess", descriptionPath: "/remoteaccess.xml",
      actions: [Action("RemoteAccess", in: ["DeviceId"], out: ["resultCode"])]),
    Service(
      name: "deviceinfo", descriptionPath: "/deviceinfoservice.xml",
      actions: [Action("GetDeviceInformation", out: ["DeviceInformation"])]),
    Service(
      name: "insight", descriptionPath: "/insightservice.xml",
      actions: [
        Action("GetInsightParams", out: ["InsightParams"]),
        Action("GetPower", out: ["InstantPower"]),
        Action("GetInsightInfo", out: ["InsightInfo"]),
        Action("GetONFor", out: ["ONFor"]),
        Action("GetPowerThreshold", out: ["PowerThreshold"]),
      ]),
    Service(
      name: "smartsetup", descriptionPath: "/smartsetup.xml",
      actions: [Action("GetRegistrationStatus", out: ["StatusCode"])]),
    Service(
      name: "manufacture", descriptionPath: "/manufacture.xml",
      actions: [Action("GetManufactureData", out: ["ManufactureData"])]),
  ]

  /// The service description (UPnP Device Architecture 1.0, section 2.3).
  ///
  /// That of the insight service starts with a byte order mark on the real device, so it does here.
  var description: String {
    let variables = Set(actions.flatMap { $0.arguments.map(\.name) }).sorted()
    return """
      \(name == "insight" ? "\u{FEFF}" : "")<?xml version="1.0"?>
      <scpd xmlns="urn:Belkin:service-1-0">
        <specVersion>
          <major>1</major>
          <minor>0</minor>
        </specVersion>
        <actionList>
      \(actions.map(Self.element).joined(separator: "\n"))
        </actionList>
        <serviceStateTable>
      \(variables.map(Self.variable).joined(separator: "\n"))
        </serviceStateTable>
      </scpd>

      """
  }

  private static func element(for action: Action) -> String {
    let arguments = action.arguments.map { argument in
      "<argument><name>\(argument.name)</name>"
        + "<relatedStateVariable>\(argument.name)</relatedStateVariable>"
        + "<direction>\(argument.isOut ? "out" : "in")</direction></argument>"
    }
    let list = arguments.isEmpty ? "" : "<argumentList>\(arguments.joined())</argumentList>"
    return "    <action><name>\(action.name)</name>\(list)</action>"
  }

  private static func variable(named name: String) -> String {
    "    <stateVariable sendEvents=\"no\"><name>\(name)</name><dataType>string</dataType>"
      + "<defaultValue>0</defaultValue></stateVariable>"
  }
}
