// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// An instrument of the USB class for tests and measurements, played by umockdev: usbfs as a program sees it, and behind it the
// device's side of USBTMC 1.0, strict about what a host may do. Requests come from this very process, whose memory they
// name. Whether poll finds a transfer that is over is a matter of the node: it is a pipe here, which is full while none is,
// and so cannot be written to.

import Glibc
import Synchronization
import Testing

/// The device at a node of umockdev's test bed. It lives until the process ends.
final class MockedMessageDevice: Sendable {
  private typealias Signal =
    @convention(c) (OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?) -> CInt

  /// How it is to behave.
  struct Habits: Sendable {
    /// Whether answers wait until `release` lets packets go.
    var holdsPackets = false
    /// Whether another program has the interface.
    var isTaken = false
    /// Whether it takes nothing: transfers to it stay under way.
    var takesNothing = false
    /// So many requests of its class are left unanswered, each for as long as the host waits.
    var unansweredRequests = 0
    /// So many bytes of an answer come with one request.
    var mostAtOnce = 4_096
    /// Whether an empty packet ends a transfer of full ones.
    var sendsEmptyPackets = true
    /// Changes the bytes of the next transfer to the host.
    var spoil: (@Sendable ([UInt8]) -> [UInt8])?
    /// Halts the pipe from it instead of answering the next request for an answer.
    var haltsNext = false
  }

  /// What a host did.
  struct Seen: Sendable, Hashable {
    /// Messages to it, whole.
    var messages: [String] = []
    /// How often it was cleared.
    var clears = 0
    /// What no host may do, in words.
    var offences: [String] = []
    /// Of which drivers of the system's the interface was taken.
    var takenFrom: [String] = []
    /// Interfaces that were taken and not given back.
    var claims = 0
    /// The largest transfer to it.
    var largest = 0
  }

  private struct State: Sendable {
    var habits = Habits()
    var seen = Seen()
    var outward: [UInt] = []
    var inward: [UInt] = []
    var over: [UInt] = []
    var message: [UInt8] = []
    var answer: [UInt8] = []
    var request: (tag: UInt8, size: Int)?
    var packets: [[UInt8]] = []
    var released = 0
    /// Whether it was asked something and has not answered all of it.
    var isAsked = false
    var isHalted = false
    var isInwardHalted = false
    var isPulled = false
  }

  private let state = Mutex(State())
  private let packetSize: Int
  private let pipe: CInt
  private let answer: @Sendable (String) -> String?
  private let library: MockLibrary

  /// Answers for the node, which is in the test bed; `answer` has a message's answer, or nil for none.
  init(
    node: String, bed: OpaquePointer, descriptors: [UInt8], packetSize: Int,
    answer: @escaping @Sendable (String) -> String?
  ) throws {
    self.answer = answer
    self.packetSize = packetSize
    library = try MockLibrary()
    let root = try #require(getenv("UMOCKDEV_DIR").map { String(cString: $0) })
    unlink(root + node)
    try #require(mkfifo(root + node, 0o600) == 0, "errno \(errno)")
    pipe = open(root + node, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    try #require(pipe >= 0 && fcntl(pipe, 1031 /* F_SETPIPE_SZ */, 4_096) == 4_096, "errno \(errno)")
    try #require(descriptors.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) } == descriptors.count)
    let base = try #require(library.makeBase())
    let handle: Signal = { _, client, device in
      guard let client, let device else { return 0 }
      Unmanaged<MockedMessageDevice>.fromOpaque(device).takeUnretainedValue().handle(client)
      return 1
    }
    _ = library.connect(
      UnsafeMutableRawPointer(base), "handle-ioctl", unsafeBitCast(handle, to: UnsafeMutableRawPointer.self),
      Unmanaged.passRetained(self).toOpaque(), nil, 0)
    try #require(library.attach(bed, node, base, nil) != 0, "umockdev does not take \(node)")
    library.serve()
  }

  /// What it saw so far.
  var seen: Seen { state.withLock { $0.seen } }

  /// Changes how it behaves.
  func behave(_ change: (inout Habits) -> Void) {
    state.withLock {
      change(&$0.habits)
      takeMessages(&$0)
      tell(&$0)
    }
  }

  /// Lets so many packets go.
  func release(_ count: Int) {
    state.withLock {
      $0.released += count
      tell(&$0)
    }
  }

  /// From now on nobody is there.
  func pull() {
    state.withLock {
      $0.isPulled = true
      tell(&$0)
    }
  }

  // MARK: - usbfs

  // Requests as `linux/usbdevice_fs.h` numbers them, on machines of 64 bits.
  private enum Code {
    static let disconnectClaim: UInt = 0x8108_551B
    static let release: UInt = 0x8004_5510
    static let control: UInt = 0xC018_5500
    static let bulk: UInt = 0xC018_5502
    static let submit: UInt = 0x8038_550A
    static let discard: UInt = 0x550B
    static let reap: UInt = 0x4008_550D
    static let clearHalt: UInt = 0x8004_5515
  }

  private func handle(_ client: OpaquePointer) {
    let code = library.request(client) & 0xFFFF_FFFF
    let address = library.argument(client).map { library.bytes(of: $0) } ?? []
    let result: CInt =
      address.count < 8
      ? -EFAULT
      : state.withLock { state in
        let place = UnsafeRawPointer(
          bitPattern: address.withUnsafeBytes { $0.loadUnaligned(as: UInt.self) })
        guard let place else { return -EFAULT }
        return carryOut(code, UnsafeMutableRawPointer(mutating: place), &state)
      }
    library.complete(client, result < 0 ? -1 : Int(result), result < 0 ? -result : 0)
  }

  private func carryOut(_ code: UInt, _ place: UnsafeMutableRawPointer, _ state: inout State) -> CInt {
    defer { tell(&state) }
    if state.isPulled, code != Code.reap { return -ENODEV }
    switch code {
    case Code.disconnectClaim where state.habits.isTaken: return -EBUSY
    case Code.disconnectClaim:
      let name = UnsafeRawBufferPointer(start: place + 8, count: 256).prefix { $0 != 0 }
      state.seen.takenFrom.append(String(decoding: name, as: UTF8.self))
      state.seen.claims += 1
      // The host has read the descriptors by now.
      drain()
      return 0
    case Code.release:
      state.seen.claims -= 1
      return 0
    case Code.control: return control(place, &state)
    case Code.clearHalt:
      if place.load(as: UInt32.self) & 0x80 == 0 { state.isHalted = false } else { state.isInwardHalted = false }
      return 0
    case Code.submit:
      let isInward = place.load(fromByteOffset: 1, as: UInt8.self) & 0x80 != 0
      if isInward {
        state.inward.append(UInt(bitPattern: place))
      } else {
        state.outward.append(UInt(bitPattern: place))
      }
      takeMessages(&state)
      return 0
    case Code.discard:
      let found = state.inward.contains(UInt(bitPattern: place)) || state.outward.contains(UInt(bitPattern: place))
      state.inward.removeAll { $0 == UInt(bitPattern: place) }
      state.outward.removeAll { $0 == UInt(bitPattern: place) }
      guard found else { return -EINVAL }
      finish(UInt(bitPattern: place), -ENOENT, 0, &state)
      return 0
    case Code.reap:
      guard !state.over.isEmpty else { return state.isPulled ? -ENODEV : -EAGAIN }
      place.storeBytes(of: state.over.removeFirst(), as: UInt.self)
      return 0
    // What waits is thrown away one by one; nothing of it is looked at.
    case Code.bulk: return throwAway(&state)
    default: return -ENOTTY
    }
  }

  private func finish(_ transfer: UInt, _ status: CInt, _ count: Int, _ state: inout State) {
    guard let place = UnsafeMutableRawPointer(bitPattern: transfer) else { return }
    place.storeBytes(of: status, toByteOffset: 4, as: CInt.self)
    place.storeBytes(of: CInt(count), toByteOffset: 28, as: CInt.self)
    state.over.append(transfer)
  }

  /// Brings packets to transfers that wait, and tells poll.
  private func tell(_ state: inout State) {
    if state.isPulled {
      for transfer in state.inward + state.outward { finish(transfer, -ESHUTDOWN, 0, &state) }
      (state.inward, state.outward) = ([], [])
    }
    while let transfer = state.inward.first {
      if state.isInwardHalted {
        finish(state.inward.removeFirst(), -EPIPE, 0, &state)
        continue
      }
      guard !state.packets.isEmpty, !state.habits.holdsPackets || state.released > 0 else { break }
      if state.habits.holdsPackets { state.released -= 1 }
      let packet = state.packets.removeFirst()
      state.inward.removeFirst()
      guard let place = UnsafeRawPointer(bitPattern: transfer) else { continue }
      let room = Int(place.load(fromByteOffset: 24, as: CInt.self))
      place.load(fromByteOffset: 16, as: UnsafeMutableRawPointer?.self)?.copyMemory(
        from: packet, byteCount: min(room, packet.count))
      finish(transfer, packet.count > room ? -EOVERFLOW : 0, min(room, packet.count), &state)
    }
    if state.over.isEmpty, !state.isPulled { fill() } else { drain() }
  }

  private func fill() {
    let zeros = [UInt8](repeating: 0, count: 4_096)
    while zeros.withUnsafeBytes({ write(pipe, $0.baseAddress, $0.count) }) > 0 {}
  }

  private func drain() {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    while bytes.withUnsafeMutableBytes({ read(pipe, $0.baseAddress, $0.count) }) > 0 {}
  }

  // MARK: - The class

  /// `struct usbdevfs_ctrltransfer`: type, request, value, index and length, a time-out, and at 16 the pointer to the data.
  private func control(_ place: UnsafeMutableRawPointer, _ state: inout State) -> CInt {
    if state.habits.unansweredRequests > 0 {
      state.habits.unansweredRequests -= 1
      usleep(1_000 * place.load(fromByteOffset: 8, as: UInt32.self))
      return -ETIMEDOUT
    }
    let (type, request) = (place.load(as: UInt8.self), place.load(fromByteOffset: 1, as: UInt8.self))
    let index = place.load(fromByteOffset: 4, as: UInt16.self)
    let data = place.load(fromByteOffset: 16, as: UnsafeMutablePointer<UInt8>?.self)
    guard type == 0xA1, index == 1, let data else {
      state.seen.offences.append("request \(type) \(request) to \(index)")
      return -EPIPE
    }
    switch request {
    case 5:
      state.seen.clears += 1
      (state.message, state.answer, state.request, state.isAsked) = ([], [], nil, false)
      state.isHalted = true
      data[0] = 1
      return 1
    case 6:
      data[0] = state.packets.isEmpty ? 1 : 2
      data[1] = state.packets.isEmpty ? 0 : 1
      return 2
    default: return -EPIPE
    }
  }

  private func throwAway(_ state: inout State) -> CInt {
    state.packets.isEmpty ? -ETIMEDOUT : CInt(state.packets.removeFirst().count)
  }

  /// Takes what waits to be taken.
  private func takeMessages(_ state: inout State) {
    while !state.habits.takesNothing, let transfer = state.outward.first {
      state.outward.removeFirst()
      guard let place = UnsafeRawPointer(bitPattern: transfer) else { continue }
      let count = Int(place.load(fromByteOffset: 24, as: CInt.self))
      if state.isHalted {
        finish(transfer, -EPIPE, 0, &state)
        continue
      }
      let bytes = [UInt8](
        UnsafeRawBufferPointer(
          start: place.load(fromByteOffset: 16, as: UnsafeRawPointer?.self), count: count))
      take(bytes, &state)
      finish(transfer, 0, count, &state)
    }
  }

  private func take(_ bytes: [UInt8], _ state: inout State) {
    state.seen.largest = max(state.seen.largest, bytes.count)
    guard bytes.count >= 12, bytes.count % 4 == 0, bytes[1] != 0, bytes[2] == ~bytes[1], bytes[3] == 0 else {
      state.seen.offences.append("no header: \(bytes.prefix(12))")
      state.isHalted = true
      return
    }
    let size = Int(bytes[4]) | Int(bytes[5]) << 8 | Int(bytes[6]) << 16
    if state.request != nil {
      state.seen.offences.append("spoken to while an answer was requested")
      state.isHalted = true
    } else if bytes[0] == 1, bytes.count == (12 + size + 3) & ~3 {
      state.message += bytes[12..<12 + size]
      if bytes[8] & 1 != 0 { endMessage(&state) }
    } else if bytes[0] == 2, bytes.count == 12 {
      if state.message.isEmpty == false { state.seen.offences.append("asked in the middle of a message") }
      request(bytes[1], size, &state)
    } else {
      state.seen.offences.append("no message: \(bytes.prefix(12))")
      state.isHalted = true
    }
  }

  private func endMessage(_ state: inout State) {
    let text = String(decoding: state.message, as: UTF8.self)
    state.message = []
    state.seen.messages.append(text)
    // An answer that nobody has fetched is gone.
    state.answer = Array((answer(text) ?? "").utf8)
    state.isAsked = text.contains("?")
  }

  private func request(_ tag: UInt8, _ size: Int, _ state: inout State) {
    if !state.isAsked { state.seen.offences.append("asked for an answer to nothing") }
    state.request = (tag, size)
    if state.habits.haltsNext {
      state.habits.haltsNext = false
      state.isInwardHalted = true
      return
    }
    guard !state.answer.isEmpty else { return }
    let count = min(state.answer.count, size, state.habits.mostAtOnce)
    let isLast = count == state.answer.count
    let header: [UInt8] = [
      2, tag, ~tag, 0, UInt8(count & 255), UInt8(count >> 8 & 255), 0, 0, isLast ? 1 : 0, 0, 0, 0,
    ]
    var transfer = header + state.answer.prefix(count)
    state.answer.removeFirst(count)
    state.isAsked = !isLast
    if let spoil = state.habits.spoil { transfer = spoil(transfer) }
    state.habits.spoil = nil
    state.request = nil
    var rest = transfer[...]
    while !rest.isEmpty {
      state.packets.append(Array(rest.prefix(packetSize)))
      rest = rest.dropFirst(packetSize)
    }
    if transfer.count % packetSize == 0, state.habits.sendsEmptyPackets { state.packets.append([]) }
  }
}
