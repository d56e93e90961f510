// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A machine with USB, for tests on one without: umockdev plays the bus. It must be loaded before anything else in a process, so
// a test starts its own program once more under umockdev's wrapper, and there only the inner test runs.

import Glibc
import Testing

/// The world under umockdev's wrapper.
enum MockedWorld {
  /// Whether this process is inside.
  static let isInner = getenv("NACYCLER_MOCKED_UDEV") != nil
  /// What leads there; nil where it is not installed.
  static let wrapper = Program.find("umockdev-wrapper")

  /// Runs the tests of that name inside, which end with printing `word`.
  static func run(_ tests: String, endingWith word: String) throws {
    let wrapper = try #require(wrapper)
    var environment = ["NACYCLER_MOCKED_UDEV": "1"]
    for name in ["PATH", "LD_LIBRARY_PATH", "HOME"] {
      environment[name] = getenv(name).map { String(cString: $0) }
    }
    let own = try #require(realpath("/proc/self/exe", nil))
    defer { free(own) }
    let arguments = [String(cString: own), "--testing-library", "swift-testing", "--filter", tests]
    let program = try Program(wrapper, arguments, environment: environment)
    let output = program.allOutput()
    #expect(program.end() == 0, "\(output)")
    // A run without any test would succeed as well.
    #expect(output.contains(word), "\(output)")
  }
}

/// umockdev's test bed, by the functions of its library that the wrapper has made loadable.
struct MockedBus {
  private typealias Make = @convention(c) () -> OpaquePointer?
  private typealias Add = @convention(c) (OpaquePointer, UnsafePointer<CChar>, UnsafeMutableRawPointer?) -> CInt
  private typealias Announce = @convention(c) (OpaquePointer, UnsafePointer<CChar>, UnsafePointer<CChar>) -> Void

  let bed: OpaquePointer
  private let addDevices: Add
  private let announceDevice: Announce

  init() throws {
    let library = try #require(dlopen("libumockdev.so.0", RTLD_NOW), "libumockdev.so.0 does not load")
    let make = unsafeBitCast(try #require(dlsym(library, "umockdev_testbed_new")), to: Make.self)
    addDevices = unsafeBitCast(try #require(dlsym(library, "umockdev_testbed_add_from_string")), to: Add.self)
    announceDevice = unsafeBitCast(try #require(dlsym(library, "umockdev_testbed_uevent")), to: Announce.self)
    bed = try #require(make())
  }

  private static func device(_ socket: String) -> String { "/devices/pci0000:00/0000:00:14.0/usb1/\(socket)" }

  private static func line(_ name: String, _ socket: String) -> String {
    "\(device(socket))/\(socket):1.0/tty/\(name)"
  }

  func plug(line: String, socket: String, product: String, serial: String) throws {
    let device = Self.device(socket)
    // Children before parents is the order that umockdev records, and the only one that it reads.
    let text = """
      P: \(Self.line(line, socket))
      N: \(line)
      E: DEVNAME=/dev/\(line)
      E: SUBSYSTEM=tty
      A: dev=4:64\\n

      P: \(device)/\(socket):1.0
      E: DEVTYPE=usb_interface
      E: SUBSYSTEM=usb

      P: \(device)
      E: DEVTYPE=usb_device
      E: SUBSYSTEM=usb
      A: idVendor=0403\\n
      A: idProduct=6015\\n
      A: product=\(product)\\n
      A: manufacturer=PalmSens\\n
      A: serial=\(serial)\\n

      """
    try #require(addDevices(bed, text, nil) != 0, "umockdev refuses \(line)")
  }

  /// A device of which the system makes no line.
  func plugDevice(node: String, socket: String, vendorID: String, productID: String, serial: String? = nil) throws {
    let number = serial.map { "\nA: serial=\($0)\\n" } ?? ""
    let text = """
      P: \(Self.device(socket))
      N: \(node)
      E: DEVNAME=/dev/\(node)
      E: DEVTYPE=usb_device
      E: SUBSYSTEM=usb
      A: idVendor=\(vendorID)\\n
      A: idProduct=\(productID)\\n\(number)
      A: dev=189:5\\n

      """
    try #require(addDevices(bed, text, nil) != 0, "umockdev refuses \(node)")
  }

  func announceDevice(socket: String, action: String) { announceDevice(bed, "/sys\(Self.device(socket))", action) }

  func addMainboardLine() throws {
    let text = """
      P: /devices/platform/serial8250/tty/ttyS7
      N: ttyS7
      E: DEVNAME=/dev/ttyS7
      E: SUBSYSTEM=tty
      A: dev=4:71\\n

      """
    try #require(addDevices(bed, text, nil) != 0, "umockdev refuses ttyS7")
  }

  func announce(_ line: String, socket: String, action: String) {
    announceDevice(bed, "/sys\(Self.line(line, socket))", action)
  }
}
