// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Many instruments in one thread, each giving a reading every 100 ms while a script drives its cell, none at the same
// moment as another. Says `ready`, then `driving N` when N drive, and `stop NANOSECONDS` when one was told to stop.

import CNacycler
import Foundation
import Glibc
import Quantities

struct InstrumentBoard {
  /// Nanoseconds between an instrument's readings.
  private static let interval: Int64 = 100_000_000

  private var instruments: [WireInstrument] = []
  private var lines: [Line] = []
  private var due: [Int64] = []
  private var waited: [pollfd] = []
  private var driving = 0

  init(directory: String, count: Int) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let begun = Figures.now()
    for number in 1...count {
      let line = try Line()
      guard symlink(line.path, "\(directory)/bench-\(number)") == 0 else {
        throw BenchmarkFailure("cannot make \(directory)/bench-\(number): errno \(errno)")
      }
      lines.append(line)
      instruments.append(WireInstrument(serial: "BENCH\(1_000 + number)"))
      due.append(begun + Self.interval * Int64(number) / Int64(count))
      waited.append(pollfd(fd: line.descriptor, events: Int16(POLLIN), revents: 0))
    }
  }

  mutating func serve() throws {
    Company.say("ready")
    while true {
      let now = Figures.now()
      let next = due.min() ?? now
      if nacycler_poll(&waited, Int32(waited.count), max(0, (next - now) / 1_000)) > 0 {
        for place in waited.indices where waited[place].revents != 0 { try hear(place) }
      }
      for place in due.indices where due[place] <= Figures.now() {
        due[place] += Self.interval
        guard instruments[place].isDriving else { continue }
        instruments[place].measure(
          Voltage(nanovolts: 1_900_000_000 - instruments[place].time / 1_000), SampleRun.current, after: 100_000)
        try speak(place)
      }
    }
  }

  private mutating func hear(_ place: Int) throws {
    let bytes = lines[place].read(within: 0)
    let heard = Figures.now()
    let stops = instruments[place].stops
    let wasDriving = instruments[place].isDriving
    instruments[place].receive(bytes)
    if instruments[place].stops > stops { Company.say("stop \(heard)") }
    if instruments[place].isDriving != wasDriving {
      driving += wasDriving ? -1 : 1
      Company.say("driving \(driving)")
    }
    try speak(place)
  }

  private mutating func speak(_ place: Int) throws {
    guard !instruments[place].output.isEmpty else { return }
    try lines[place].write(instruments[place].output)
    instruments[place].output.removeAll(keepingCapacity: true)
  }
}
