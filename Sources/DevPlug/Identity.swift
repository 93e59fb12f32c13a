/// Who the development plug says it is, in setup.xml and in answers to searches.
struct Identity: Sendable {
  let name: String
  let serial: String

  static let firmware = "WeMo_WW_2.00.11408.PVT-OWRT-Insight"
  static let mac = "94103E3A5F1C"

  var udn: String { "uuid:Insight-1_0-\(serial)" }

  /// The device description (UPnP Device Architecture 1.0, section 2.1), as an Insight gives it:
  /// in Belkin's namespace, not in UPnP's.
  func setupXML(isOn: Bool) -> String {
    """
    <?xml version="1.0"?>
    <root xmlns="urn:Belkin:device-1-0">
      <specVersion>
        <major>1</major>
        <minor>0</minor>
      </specVersion>
      <device>
        <deviceType>urn:Belkin:device:insight:1</deviceType>
        <friendlyName>\(XML.escape(name))</friendlyName>
        <manufacturer>Belkin International Inc.</manufacturer>
        <manufacturerURL>http://www.belkin.com</manufacturerURL>
        <modelDescription>Belkin Insight 1.0</modelDescription>
        <modelName>Insight</modelName>
        <modelNumber>1.0</modelNumber>
        <modelURL>http://www.belkin.com/plugin/</modelURL>
        <serialNumber>\(XML.escape(serial))</serialNumber>
        <UDN>\(XML.escape(udn))</UDN>
        <UPC>123456789</UPC>
        <macAddress>\(Self.mac)</macAddress>
        <firmwareVersion>\(Self.firmware)</firmwareVersion>
        <iconVersion>0|49153</iconVersion>
        <binaryState>\(isOn ? 1 : 0)</binaryState>
        <serviceList>
    \(Service.all.map(Self.element).joined(separator: "\n"))
        </serviceList>
        <presentationURL>/pluginpres.html</presentationURL>
      </device>
    </root>

    """
  }

  private static func element(for service: Service) -> String {
    """
          <service>
            <serviceType>\(service.type)</serviceType>
            <serviceId>urn:Belkin:serviceId:\(service.name)1</serviceId>
            <controlURL>\(service.controlPath)</controlURL>
            <eventSubURL>\(service.eventPath)</eventSubURL>
            <SCPDURL>\(service.descriptionPath)</SCPDURL>
          </service>
    """
  }
}
