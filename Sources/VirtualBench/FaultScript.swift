// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Faults from a file (docs/virtual-laboratory.md). Every entry is judged when the file is read, and against the bench before
// it starts: a fault that would never happen is an error, and what is wrong is said with the file, the entry and what
// would be right.

internal import FoundationEssentials
internal import VirtualLab

/// What goes wrong on a bench, and when.
public struct FaultScript: Sendable {
  /// One entry of the file.
  struct Entry: Sendable {
    /// From 1.
    var place: Int
    /// Its kind, as written.
    var name: String
    /// The number of its instrument; nil for all.
    var instrument: Int?
    var fault: ScheduledFault
  }

  /// For the random bytes.
  let seed: UInt64
  let entries: [Entry]
  /// The file, for messages.
  let file: String

  /// Reads a file.
  public init(path: String) throws(BenchError) {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw BenchError("cannot read the faults in \(path): \(error)")
    }
    try self.init(json: data, file: path)
  }

  /// Reads the text of a file.
  init(json: Data, file: String) throws(BenchError) {
    self.file = file
    let value: PresetJSON
    do {
      value = try JSONDecoder().decode(PresetJSON.self, from: json)
    } catch {
      throw BenchError("\(file) is no JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw BenchError("\(file) has to be an object: {\"seed\": 1, \"faults\": […]}")
    }
    var head = FaultFields(object, place: file)
    seed = UInt64(try head.number("seed", 0...9_007_199_254_740_992, isWhole: true) ?? 0)
    guard case .list(let list)? = head.take("faults"), !list.isEmpty else {
      throw BenchError("\(file): faults has to be a list of one or more: \"faults\": [{\"kind\": \"mute\", …}]")
    }
    try head.end(known: ["seed", "faults"])
    var entries: [Entry] = []
    for (index, value) in list.enumerated() { entries.append(try FaultFields.entry(value, index + 1, file)) }
    self.entries = entries
  }

  /// What happens to one instrument.
  func faults(of number: Int) -> [ScheduledFault] {
    entries.filter { $0.instrument == nil || $0.instrument == number }.map(\.fault)
  }

  /// Judges all entries by the instruments that there are.
  func check(numbers: Range<Int>, channels: Int, kind: String, like instrument: FaultyInstrument) throws(BenchError) {
    for entry in entries {
      let place = "\(file): fault \(entry.place) (\(entry.name))"
      if let number = entry.instrument, !numbers.contains(number) {
        throw BenchError(
          "\(place): there is no instrument \(number); there are \(numbers.lowerBound) to \(numbers.upperBound - 1)")
      }
      guard entry.fault.channel < channels else {
        throw BenchError("\(place): a \(kind) has no channel \(entry.fault.channel + 1); it has 1 to \(channels)")
      }
      if case .instrument(let misbehaviour) = entry.fault.kind,
        !instrument.canMisbehave(misbehaviour, channel: entry.fault.channel)
      {
        throw BenchError("\(place): the protocol of a \(kind) has no such thing; choose another kind")
      }
    }
  }
}
