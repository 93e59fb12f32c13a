#!/usr/bin/env python3
"""Judge the development plug by pywemo, the client that Home Assistant uses.

Usage: pywemo_judge.py URL [--discover]

    URL         where setup.xml is, for example http://127.0.0.1:49153/setup.xml
    --discover  also find the plug by a search on the local network (the plug needs --ssdp and an
                address that other machines could use)

Needs `pip install pywemo==2.1.2`. The plug must run with `--power-mw 41400`.
Exits with 0 only if pywemo takes the plug for an Insight, loads every service, reads what the plug
itself says, can switch it, and has nothing to complain of in its log. Says what did not hold.
"""

import http.client
import logging
import sys
import time
import urllib.parse
import xml.etree.ElementTree as ET

import pywemo

POWER_MW = 41400
complaints = []
failures = []


class Complaints(logging.Handler):
    """Keeps every warning and error of pywemo and of the HTTP library under it."""

    def emit(self, record):
        if record.levelno >= logging.WARNING:
            complaints.append(record.getMessage())


def check(name, holds, detail=""):
    print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else ': ' + str(detail)}")
    if not holds:
        failures.append(name)


def setup_of(url):
    """The fields of setup.xml, read without pywemo."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.request("GET", parts.path)
    root = ET.fromstring(connection.getresponse().read())
    space = "{urn:Belkin:device-1-0}"
    device = root.find(f"{space}device")
    fields = {child.tag.removeprefix(space): child.text for child in device}
    services = [
        {child.tag.removeprefix(space): child.text for child in service}
        for service in device.iter(f"{space}service")
    ]
    return fields, services


def check_identity(plug, url):
    fields, services = setup_of(url)
    check("it is an Insight", type(plug) is pywemo.Insight, type(plug))
    check("name", plug.name == fields["friendlyName"], plug.name)
    check("serial number", plug.serial_number == fields["serialNumber"], plug.serial_number)
    check("UDN", plug.udn == fields["UDN"] == f"uuid:Insight-1_0-{plug.serial_number}", plug.udn)
    check("MAC address", plug.mac == fields["macAddress"] and len(plug.mac) == 12, plug.mac)
    check("firmware", plug.firmware_version == fields["firmwareVersion"], plug.firmware_version)
    check("model", plug.model_name == "Insight", plug.model_name)
    names = [service["serviceType"].split(":")[-2] for service in services]
    check("all services are loaded", sorted(plug.services) == sorted(names), plug.services)
    for name in names:
        check(f"service {name} has actions", len(plug.services[name].actions) > 0)


def check_reading(plug):
    raw = plug.insight.GetInsightParams()["InsightParams"].split("|")
    check("eleven fields", len(raw) == 11, raw)
    plug.update_insight_params()
    params = plug.insight_params
    check("power", plug.current_power == POWER_MW == int(raw[7]), (plug.current_power, raw))
    check("power in watts", plug.current_power_watts == POWER_MW / 1000)
    check("state", params["state"] == "1" and plug.get_state(force_update=True) == 1, params)
    check("threshold", plug.threshold_power == 8000, plug.threshold_power)
    check("last change", abs(time.time() - params["lastchange"].timestamp()) < 3600, params)
    time.sleep(2.1)
    plug.update_insight_params()
    check("time on goes up", plug.insight_params["ontotal"] >= params["ontotal"] + 2)
    check("energy goes up", plug.insight_params["totalmw"] > params["totalmw"])
    check("meta info", "Insight" in plug.metainfo.GetMetaInfo()["MetaInfo"])


def check_switching(plug):
    plug.off()
    check("off", plug.get_state(force_update=True) == 0)
    check("off in the parameters", plug.insight_params["state"] == "0", plug.insight_params)
    deadline = time.monotonic() + 5
    while plug.current_power != 0 and time.monotonic() < deadline:
        plug.update_insight_params()
    check("no power when off", plug.current_power == 0, plug.current_power)
    again = plug.basicevent.SetBinaryState(BinaryState=0)
    check("off twice is an error", again == {"BinaryState": "Error"}, again)
    plug.on()
    check("on", plug.get_state(force_update=True) == 1)
    plug.update_insight_params()
    check("power is back", plug.current_power == POWER_MW, plug.current_power)


def check_discovery(url):
    udn = pywemo.discovery.device_from_description(url).udn
    found = [device for device in pywemo.discover_devices(timeout=3) if device.udn == udn]
    check("a search finds it", len(found) >= 1)
    check("as an Insight", bool(found) and type(found[0]) is pywemo.Insight)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    url = sys.argv[1]
    logging.getLogger().addHandler(Complaints())
    plug = pywemo.discovery.device_from_description(url)
    check("pywemo makes a device of it", plug is not None, complaints)
    if plug is not None:
        check_identity(plug, url)
        check_reading(plug)
        check_switching(plug)
        if "--discover" in sys.argv[2:]:
            check_discovery(url)
    check("pywemo logs no warning", not complaints, complaints)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
