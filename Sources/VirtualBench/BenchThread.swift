// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CNacycler
internal import Glibc

/// An operating-system thread of the bench.
///
/// It inherits the blocked signals of its maker; `Bench` is made with those blocked that should end it.
struct BenchThread: Sendable {
  private let thread: pthread_t

  private final class Work {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// A thread that serves one seat, whose line is open when this returns.
  static func serving(_ seat: Seat) throws(BenchError) -> BenchThread {
    // Opened here, so that a caller hears of a failure; owned by the thread from its first instruction on.
    let handed = HandedOver(try SeatThread(seat: seat))
    return try BenchThread(name: seat.name) { handed.run() }
  }

  /// The thread of the thermometer, whose line is open when this returns.
  static func serving(_ seat: ThermometerSeat) throws(BenchError) -> BenchThread {
    let handed = HandedOver(try ThermometerThread(seat: seat))
    return try BenchThread(name: ThermometerSeat.name) { handed.run() }
  }

  init(name: String, body: @escaping @Sendable () -> Void) throws(BenchError) {
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    var thread = pthread_t()
    let refused = pthread_create(&thread, nil, enter, work.toOpaque())
    guard refused == 0 else {
      work.release()
      throw BenchError("no thread for \(name)", errno: refused)
    }
    self.thread = thread
  }

  /// Waits for the thread's end; once only.
  func join() { pthread_join(thread, nil) }

  fileprivate static func run(_ context: UnsafeMutableRawPointer) {
    let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
    _ = nacycler_thread_set_name(work.name)
    work.body()
  }
}

/// What a thread of the bench does.
private protocol BenchLife: ~Copyable {
  mutating func run()
}
extension SeatThread: BenchLife {}
extension ThermometerThread: BenchLife {}

/// Carries what a thread is to own from its maker to it.
///
/// Unchecked, and safe: the maker writes `life` in `init`, before `pthread_create`, which orders that write before
/// everything that the thread does, and keeps no way to it but the closure that it hands over. `run` is called once, by
/// the thread.
private final class HandedOver<Life: BenchLife & ~Copyable>: @unchecked Sendable {
  private var life: Life
  init(_ life: consuming Life) { self.life = life }
  func run() { life.run() }
}

private func enter(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { BenchThread.run(context) }
  return nil
}
