// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How an answer of a USB instrument is given up, and how one that halted a pipe comes back (USBTMC 1.0, section 4.2.1).

internal import CNacycler
internal import Glibc

extension MessagePort {
  /// Requests of the class, to an interface (USBTMC 1.0, section 4.2.1, table 15), and what answers them begin with (table 16).
  private enum Request {
    static let toInterface: UInt8 = 0xA1
    static let initiateClear: UInt8 = 5
    static let checkClearStatus: UInt8 = 6
    static let success: UInt8 = 0x01
    static let pending: UInt8 = 0x02
  }

  /// How long one request may take, in milliseconds.
  private static let requestPatience: UInt32 = 50
  /// How long a packet that the instrument says it has may take, in milliseconds.
  private static let packetPatience: UInt32 = 20
  /// How long the whole of it may take, in microseconds. An instrument that does not answer gets its message all the same.
  private static let clearPatience: Int64 = 200_000
  /// Between two looks whether it is done, in microseconds.
  private static let clearPause: Int64 = 1_000

  /// Takes everything back that is under way, and empties the instrument's buffers.
  func clear() {
    takeBack()
    isTroubled = true
    let deadline = nacycler_boottime_us() + Self.clearPatience
    guard ask(Request.initiateClear, 1, until: deadline)?.status == Request.success else { return }
    while let answer = ask(Request.checkClearStatus, 2, until: deadline) {
      switch answer.status {
      case Request.success: return endClearing()
      case Request.pending where nacycler_boottime_us() < deadline:
        // The lowest bit says that packets wait to be thrown away.
        if answer.detail & 1 != 0 {
          throwPacketsAway(until: deadline)
        } else {
          _ = nacycler_poll(nil, 0, Self.clearPause)
        }
      default: return
      }
    }
  }

  /// The instrument halted the pipe to it while it cleared itself.
  private func endClearing() {
    isTroubled = nacycler_usb_clear_halt(device, interface.outEndpoint) != 0
    if isInwardHalted { isInwardHalted = nacycler_usb_clear_halt(device, interface.inEndpoint) != 0 }
  }

  private func takeBack() {
    endAnswer()
    for transfer in outward + [inward] where transfer.isUnderWay { _ = nacycler_usb_cancel(device, transfer.handle) }
    settle()
  }

  /// A request, again while it is not answered and there is time; nil when it never was, or was refused.
  private func ask(_ request: UInt8, _ count: UInt16, until deadline: Int64) -> (status: UInt8, detail: UInt8)? {
    var answer: (status: UInt8, detail: UInt8) = (0, 0)
    while !hasHungUp {
      let answered = withUnsafeMutableBytes(of: &answer) {
        nacycler_usb_control(
          device, Request.toInterface, request, 0, UInt16(interface.number), $0.baseAddress, count,
          Self.requestPatience)
      }
      switch answered {
      case CInt(count): return answer
      case -ENODEV, -ESHUTDOWN: hangUp()
      case -ETIMEDOUT where nacycler_boottime_us() < deadline: continue
      default: return nil
      }
    }
    return nil
  }

  private func throwPacketsAway(until deadline: Int64) {
    let size = UInt32(interface.packetSize)
    repeat {
      let count = nacycler_usb_bulk(
        device, interface.inEndpoint, inward.bytes.baseAddress, size, Self.packetPatience)
      if count < CInt(size) { return }
    } while nacycler_boottime_us() < deadline
  }
}
