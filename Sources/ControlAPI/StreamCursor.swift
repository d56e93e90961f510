// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A stream mixes records, cycles and events of one or several runs. Rows of different tables have no common order, so
// a place in the stream is a place in each table. A cursor holds all of them and survives daemon and client: whoever
// comes back with it goes on exactly there.

/// A place in the live stream, after everything that was sent so far.
///
/// As text: `e118_r3s5i42c2` is after event 118 and, in run 3, after record 42 of step 5 and after cycle 2. An opaque
/// word for people; safe in a header, a URL and a shell.
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

  /// The last event that was sent; 0 before the first.
  public var event: Int64
  /// Places in runs, by run number. A run that is not here has not been begun.
  public private(set) var runs: [RunPlace]

  /// The beginning of everything.
  public init() {
    event = 0
    runs = []
  }

  /// A cursor from its parts; runs may come in any order, each once.
  public init(event: Int64, runs: [RunPlace]) {
    self.event = event
    self.runs = runs.sorted { $0.run < $1.run }
  }

  /// The place in a run; the beginning when the run has not been begun. Setting it keeps the order.
  public subscript(run run: Int64) -> RunPlace {
    get { runs.first { $0.run == run } ?? RunPlace(run: run) }
    set {
      if let index = runs.firstIndex(where: { $0.run == run }) {
        runs[index] = newValue
      } else {
        runs.append(newValue)
        runs.sort { $0.run < $1.run }
      }
    }
  }

  /// The cursor as text.
  public var description: String {
    runs.reduce(into: "e\(event)") { text, place in
      text += "_r\(place.run)s\(place.stepCount)i\(place.recordIndex)c\(place.cycleNumber)"
    }
  }

  /// Reads a cursor from its text; nil when it is none.
  public init?(_ text: String) {
    let parts = text.split(separator: "_", omittingEmptySubsequences: false)
    guard let first = parts.first, first.utf8.first == UInt8(ascii: "e"), let event = Int64(first.dropFirst()),
      event >= 0
    else { return nil }
    var runs: [RunPlace] = []
    for part in parts.dropFirst() {
      guard let place = Self.place(part), !runs.contains(where: { $0.run == place.run }) else { return nil }
      runs.append(place)
    }
    self.init(event: event, runs: runs)
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
