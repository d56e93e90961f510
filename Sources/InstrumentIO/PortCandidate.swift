// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the system says of a port before anything was sent to it, and which families it may therefore belong to. USB
// strings only propose; who an instrument is, its driver asks the instrument.

public import InstrumentKit

/// A port that may lead to an instrument.
public struct PortCandidate: Sendable, Hashable {
  /// How a port became known.
  public enum Origin: String, Sendable, Hashable, CaseIterable {
    /// The system found it on a bus.
    case plugged
    /// A person named it, directly or by a pattern; whoever named it also answers for what is there.
    case named
  }
  /// The name to open it by; for a named port the name that was given, which may be a link.
  public var path: String
  /// How it became known.
  public var origin: Origin
  /// The family that whoever named the port says is there; nil when nobody did.
  public var family: String?
  /// Whether it is a USB device itself and not a line that the system made of one.
  public var isWholeDevice: Bool
  /// Four lower-case hexadecimal digits; nil when the port is not on USB or its device is not known.
  public var vendorID: String?
  /// Four lower-case hexadecimal digits.
  public var productID: String?
  /// The product string of the USB device.
  public var product: String?
  /// The manufacturer string of the USB device.
  public var manufacturer: String?
  /// The serial number of the USB device, which is not always the instrument's.
  public var serial: String?
  /// The place where it is plugged in, for instance `1-1.2:1.0`; the same after replugging into the same socket.
  public var portPath: String?
  /// A candidate.
  public init(
    path: String, origin: Origin, family: String? = nil, isWholeDevice: Bool = false, vendorID: String? = nil,
    productID: String? = nil, product: String? = nil,
    manufacturer: String? = nil, serial: String? = nil, portPath: String? = nil
  ) {
    self.path = path
    self.origin = origin
    self.family = family
    self.isWholeDevice = isWholeDevice
    self.vendorID = vendorID
    self.productID = productID
    self.product = product
    self.manufacturer = manufacturer
    self.serial = serial
    self.portPath = portPath
  }

  /// Whether the instrument waits for new firmware: nobody may talk to it then, whatever its family's rules say.
  public var isBootloader: Bool { product?.lowercased().contains("bootloader") ?? false }
}

extension MatchRule {
  /// Whether a port's USB description fits every part of the rule that is stated. A rule that states nothing fits
  /// nothing, and no rule fits a bootloader.
  public func fits(_ candidate: PortCandidate) -> Bool {
    guard vendorID != nil || productID != nil || productPrefix != nil, !candidate.isBootloader,
      isWholeDevice == candidate.isWholeDevice
    else { return false }
    if let vendorID, candidate.vendorID != vendorID { return false }
    if let productID, candidate.productID != productID { return false }
    if let productPrefix, candidate.product?.hasPrefix(productPrefix) != true { return false }
    if let excludedProductPrefix, candidate.product?.hasPrefix(excludedProductPrefix) == true { return false }
    return true
  }
}

extension InstrumentDescriptor {
  /// Whether such an instrument may be asked for at the port: one of the family's rules fits, or a person named the
  /// port and its USB description, where known, is not a bootloader's.
  public func mayBe(at candidate: PortCandidate) -> Bool {
    switch candidate.origin {
    case .named: !candidate.isBootloader && (candidate.family ?? family) == family
    case .plugged: matches.contains { $0.fits(candidate) }
    }
  }
}
