// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A bulk transfer that usbfs carries out while nobody waits for it. Its memory is the kernel's while it is under way.

internal import CNacycler

/// A transfer, used again and again.
final class USBTransfer {
  /// What the kernel knows it by.
  let handle: OpaquePointer
  /// Its bytes.
  let bytes: UnsafeMutableRawBufferPointer
  /// Whether the kernel has it.
  private(set) var isUnderWay = false

  /// One for an endpoint; nil when there is no memory.
  init?(endpoint: UInt8, capacity: Int) {
    guard let handle = nacycler_usb_transfer_new(endpoint, UInt32(capacity)) else { return nil }
    self.handle = handle
    bytes = UnsafeMutableRawBufferPointer(start: nacycler_usb_transfer_bytes(handle), count: capacity)
  }

  /// The device is closed by now: the kernel takes back what was under way.
  deinit { nacycler_usb_transfer_free(handle) }

  /// Hands it to the kernel; false when it is not taken.
  func submit(to device: CInt, count: Int) -> Bool {
    isUnderWay = nacycler_usb_submit(device, handle, UInt32(count)) == 0
    return isUnderWay
  }

  /// The kernel gave it back: how many bytes went, or a negative errno value.
  func reaped() -> CInt {
    isUnderWay = false
    return nacycler_usb_transfer_outcome(handle)
  }
}
