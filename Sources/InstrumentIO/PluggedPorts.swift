// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Serial lines on USB, and USB devices themselves, as libudev knows them. libudev's objects belong to one thread; so does this one.

internal import CUdev
internal import CyclerModel
internal import Glibc

/// What is plugged in and the news about it.
struct PluggedPorts: ~Copyable {
  private let udev: OpaquePointer
  private let monitor: OpaquePointer
  /// Readable when there is news.
  let descriptor: CInt
  /// What is plugged in, by the kernel's name of the line.
  private var known: [String: PortCandidate] = [:]

  /// Begins to listen and then looks, so that nothing falls between.
  init() throws(Fault) {
    guard let udev = udev_new() else {
      throw Fault(.portUnusable, "libudev does not start: \(SystemError.last); only ports named by --port are used")
    }
    // The "udev" source speaks after the rules ran: the node exists and belongs to our group.
    guard let monitor = udev_monitor_new_from_netlink(udev, "udev") else {
      let error = SystemError.last
      udev_unref(udev)
      throw Fault(.portUnusable, "no news of plugged devices: \(error); only ports named by --port are used")
    }
    udev_monitor_filter_add_match_subsystem_devtype(monitor, "tty", nil)
    udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device")
    // Room for a hub with hundreds of lines to fall over at once; where it is not granted, `drain` looks anew.
    udev_monitor_set_receive_buffer_size(monitor, 1 << 20)
    guard udev_monitor_enable_receiving(monitor) >= 0 else {
      let error = SystemError.last
      udev_monitor_unref(monitor)
      udev_unref(udev)
      throw Fault(.portUnusable, "no news of plugged devices: \(error); only ports named by --port are used")
    }
    self.udev = udev
    self.monitor = monitor
    descriptor = udev_monitor_get_fd(monitor)
    look()
  }

  deinit {
    udev_monitor_unref(monitor)
    udev_unref(udev)
  }

  /// What is plugged in now, by name.
  var candidates: [PortCandidate] { known.values.sorted { $0.path < $1.path } }

  /// Forgets everything and asks the system what is there.
  mutating func look() {
    known.removeAll()
    guard let enumeration = udev_enumerate_new(udev) else { return }
    defer { udev_enumerate_unref(enumeration) }
    udev_enumerate_add_match_subsystem(enumeration, "tty")
    udev_enumerate_add_match_subsystem(enumeration, "usb")
    udev_enumerate_scan_devices(enumeration)
    var entry = udev_enumerate_get_list_entry(enumeration)
    while let current = entry {
      if let path = udev_list_entry_get_name(current), let device = udev_device_new_from_syspath(udev, path) {
        add(device)
        udev_device_unref(device)
      }
      entry = udev_list_entry_get_next(current)
    }
  }

  /// Takes the news.
  mutating func drain() {
    while true {
      errno = 0
      guard let device = udev_monitor_receive_device(monitor) else {
        switch errno {
        case EINTR: continue
        // The kernel dropped news because we were slow: only looking tells what is true.
        case ENOBUFS: look()
        default: break
        }
        return
      }
      take(device)
      udev_device_unref(device)
    }
  }

  private mutating func take(_ device: OpaquePointer) {
    let action = Self.text(udev_device_get_action(device))
    switch action {
    case "remove", "offline": if let name = Self.name(of: device) { known[name] = nil }
    // add, change, move, online, bind and whatever comes later: the line is there.
    default: add(device)
    }
  }

  private mutating func add(_ device: OpaquePointer) {
    guard let name = Self.name(of: device), let candidate = Self.candidate(device) else { return }
    known[name] = candidate
  }

  private static func name(of device: OpaquePointer) -> String? { text(udev_device_get_syspath(device)) }

  /// What is known of a line; nil when it is not on USB (a motherboard's port must be named to be touched), and while
  /// the rules have not run for it.
  private static func candidate(_ device: OpaquePointer) -> PortCandidate? {
    guard let path = text(udev_device_get_devnode(device)) else { return nil }
    let isWholeDevice = text(udev_device_get_subsystem(device)) == "usb"
    if isWholeDevice, text(udev_device_get_devtype(device)) != "usb_device" { return nil }
    guard
      let usb = isWholeDevice ? device : udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device")
    else { return nil }
    if udev_device_get_is_initialized(device) == 0, access("/run/udev/control", F_OK) == 0 { return nil }
    // An instrument with two lines has one device with two interfaces.
    let interface =
      isWholeDevice ? nil : udev_device_get_parent_with_subsystem_devtype(device, "usb", "usb_interface")
    return PortCandidate(
      path: path, origin: .plugged, isWholeDevice: isWholeDevice,
      vendorID: attribute(usb, "idVendor")?.lowercased(), productID: attribute(usb, "idProduct")?.lowercased(),
      product: attribute(usb, "product"), manufacturer: attribute(usb, "manufacturer"),
      serial: attribute(usb, "serial"), portPath: text(udev_device_get_sysname(interface ?? usb)))
  }

  private static func attribute(_ device: OpaquePointer, _ name: String) -> String? {
    guard let value = text(udev_device_get_sysattr_value(device, name)), !value.isEmpty else { return nil }
    return value
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
}
