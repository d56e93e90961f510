// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A stream mixes records, cycles and events of one or several runs. Rows of different tables have no common order, so
// a place in the stream is a place in each table. A cursor holds all of them and survives daemon and client: whoever
// comes back with it goes on exactly there.

/// A place in the live stream, after everything that was sent so far.
///
/// As text: `d1f0c2a9b_e118_r3s5i42c2` is, in the database 1f0c2a9b, after event 118 and, in run 3, after record 42 of
/// step 5 and after cycle 2. With `_n7` all runs up to run 7 that it does not name are over and were sent. An opaque word
/// for people; safe in a header, a URL and a shell.
public struct StreamCursor: Sendable, Hashable, CustomStringConvertible {
  /// A place in one run.
  public struct RunPlace: Sendable, Hashable {
    /// The run.
    public var run: Int64
    /// Step of the last record that was sent, counted from 1; 0 before the first.
    public var stepCount: Int32
    /// Index of that record in its step; -1 before the first.
    public var recordIndex: Int32
    /// The last cycle that was sent; 0 before the first.
    public var cycleNumber: Int64

    /// A place; without arguments the beginning of the run.
    public init(run: Int64, stepCount: Int32 = 0, recordIndex: Int32 = -1, cycleNumber: Int64 = 0) {
      self.run = run
      self.stepCount = stepCount
      self.recordIndex = recordIndex
      self.cycleNumber = cycleNumber
    }
  }

  /// The database that it is a place in, by hexadecimal digits; empty when it may be any.
  public var database = ""
  /// The last event that was sent; 0 before the first.
  public var event: Int64
  /// Places in runs, by run number.
  public private(set) var runs: [RunPlace]
  /// Runs up to this number that have no place here need not be followed; later ones have not been begun.
  public var newestRun: Int64

  /// The beginning of everything.
  public init() {
    event = 0
    runs = []
    newestRun = 0
  }

  /// A cursor from its parts; runs may come in any order, each once.
  public init(event: Int64, runs: [RunPlace], newestRun: Int64 = 0) {
    self.event = event
    self.runs = runs.sorted { $0.run < $1.run }
    self.newestRun = max(newestRun, self.runs.last?.run ?? 0)
  }

  /// The place in a run; the beginning when the run has not been begun. Setting it keeps the order.
  public subscript(run run: Int64) -> RunPlace {
    get {
      let index = index(of: run)
      return index < runs.count && runs[index].run == run ? runs[index] : RunPlace(run: run)
    }
    set {
      let index = index(of: run)
      if index < runs.count, runs[index].run == run {
        runs[index] = newValue
      } else {
        runs.insert(newValue, at: index)
        newestRun = max(newestRun, run)
      }
    }
  }

  /// Where a run is, or would be put.
  private func index(of run: Int64) -> Int {
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].run < run { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether a run has a place here or is newer than all that have had one.
  public func mayFollow(_ run: Int64) -> Bool {
    let index = index(of: run)
    return run > newestRun || index < runs.count && runs[index].run == run
  }

  /// Gives up the place in a run that is over and was sent.
  public mutating func leave(_ run: Int64) {
    newestRun = max(newestRun, run)
    runs.removeAll { $0.run == run }
  }

  /// Moves on over a frame that was taken.
  public mutating func pass(_ body: StreamFrame.Body) {
    switch body {
    case .record(let record):
      self[run: record.run].stepCount = Int32(clamping: record.step_count)
      self[run: record.run].recordIndex = Int32(clamping: record.step_record_index)
    case .cycle(let cycle): self[run: cycle.run].cycleNumber = cycle.cycle_number
    case .event(let frame): event = frame.event
    case .run, .ready, .bye: return
    }
  }

  /// The cursor as text.
  public var description: String {
    let newest = newestRun > runs.last?.run ?? 0 ? "_n\(newestRun)" : ""
    let beginning = database.isEmpty ? "" : "d\(database)_"
    return runs.reduce(into: "\(beginning)e\(event)\(newest)") { text, place in
      text += "_r\(place.run)s\(place.stepCount)i\(place.recordIndex)c\(place.cycleNumber)"
    }
  }

  /// Reads a cursor from its text; nil when it is none.
  public init?(_ text: String) {
    var parts = text.split(separator: "_", omittingEmptySubsequences: false)[...]
    var database = Substring()
    if let part = parts.first, part.first == "d" {
      database = part.dropFirst()
      guard (1...16).contains(database.count), database.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
      parts.removeFirst()
    }
    guard let event = parts.popFirst().flatMap({ Self.number($0, after: "e") }) else { return nil }
    var newestRun: Int64 = 0
    if let part = parts.first, part.first == "n" {
      guard let number = Self.number(part, after: "n") else { return nil }
      newestRun = number
      parts.removeFirst()
    }
    var runs: [RunPlace] = []
    var seen: Set<Int64> = []
    for part in parts {
      guard let place = Self.place(part), seen.insert(place.run).inserted else { return nil }
      runs.append(place)
    }
    self.init(event: event, runs: runs, newestRun: newestRun)
    self.database = String(database)
  }

  private static func number(_ text: Substring, after letter: Character) -> Int64? {
    guard text.first == letter, let value = Int64(text.dropFirst()), value >= 0 else { return nil }
    return value
  }

  private static func place(_ text: Substring) -> RunPlace? {
    var rest = text
    func number<Number: FixedWidthInteger>(after letter: Character, as type: Number.Type) -> Number? {
      guard rest.first == letter else { return nil }
      rest = rest.dropFirst()
      let digits = rest.prefix { $0 == "-" || $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      return Number(digits)
    }
    guard let run = number(after: "r", as: Int64.self), let step = number(after: "s", as: Int32.self),
      let index = number(after: "i", as: Int32.self), let cycle = number(after: "c", as: Int64.self), rest.isEmpty,
      run > 0, step >= 0, index >= -1, cycle >= 0
    else { return nil }
    return RunPlace(run: run, stepCount: step, recordIndex: index, cycleNumber: cycle)
  }
}
