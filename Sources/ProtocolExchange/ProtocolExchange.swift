// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Protocols of other programs become files of ours, and ours become theirs where they can say it. Nothing is dropped in
// silence: what cannot be said is a problem with its place, and what had to be assumed is told and written into the
// file. The result is a text like any other, judged by the same decoder as one that a person wrote.

public import CyclerModel
public import CyclingProtocol
public import Quantities

/// A program whose protocols are understood.
public enum ForeignFormat: String, Sendable, Hashable, CaseIterable {
  /// aurora-unicycler, JSON.
  case unicycler
  /// tomato's payloads of version 0.1 and 0.2, JSON.
  case tomato
  /// PyBaMM's experiment strings: a list in Python or JSON, or one step a line.
  case pybamm

  /// As people call it.
  public var name: String {
    switch self {
    case .unicycler: "aurora-unicycler"
    case .tomato: "tomato"
    case .pybamm: "PyBaMM"
    }
  }
}

/// What a person says about a cell that another program's file does not.
public struct ImportOptions: Sendable, Hashable {
  /// What the cell is.
  public var role: CellRole?
  /// What 1 C means, where the file does not say it.
  public var nominalCapacity: Charge?
  /// How low and how high the voltage may go; otherwise what the file says, or 50 mV beyond its cut-offs.
  public var voltageLimits: VoltageWindow?
  /// Where the cell must stand before the start; otherwise what is usual for a fresh cell of the role, and the limits.
  public var openCircuit: VoltageWindow?
  /// A protocol of ours of which the cell, the limits, the metrics and the policy after an interruption are taken.
  public var like: [UInt8]?
  /// Nothing said.
  public init() {}
}

/// A protocol of ours that was made of another program's.
public struct ImportedProtocol: Sendable, Hashable {
  /// The file.
  public var text: String
  /// What was assumed, a sentence each.
  public var notes: [String]
  /// What it was.
  public var format: ForeignFormat
}

/// Between our protocols and those of other programs.
public enum ProtocolExchange {
  /// What a file is, by its look; nil for what is not another program's, ours included.
  public static func format(of bytes: [UInt8]) -> ForeignFormat? {
    let start = withoutComments(bytes)
    switch start.first {
    case UInt8(ascii: "["), UInt8(ascii: "("): return .pybamm
    case .some(0x30...0x39):
      let rest = start.drop { (0x30...0x39).contains($0) || $0 == 0x20 }
      return rest.first == UInt8(ascii: "*") ? .pybamm : nil
    case UInt8(ascii: "{"):
      guard case .object(let members)? = JSONReader.read(bytes).root?.content else { return nil }
      return format(of: members)
    default:
      let isQuoted = start.first == UInt8(ascii: "\"") || start.first == UInt8(ascii: "'")
      let word = start.dropFirst(isQuoted ? 1 : 0).prefix { $0 != 0x20 && $0 != 0x0A }
      return ["Charge", "Discharge", "Hold", "Rest"].contains(String(decoding: word, as: UTF8.self)) ? .pybamm : nil
    }
  }

  /// From the first byte on that is neither space nor in a line that begins with `#`.
  static func withoutComments(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var rest = bytes[...]
    while true {
      rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
      guard rest.first == UInt8(ascii: "#") else { return rest }
      rest = rest.drop { $0 != 0x0A }
    }
  }

  private static func format(of members: [JSONMember]) -> ForeignFormat? {
    let keys = Set(members.map(\.key))
    guard !keys.contains("nacycler_protocol"), keys.contains("method") else { return nil }
    if keys.contains("unicycler") { return .unicycler }
    guard case .array(let method)? = members.first(where: { $0.key == "method" })?.value.content else { return nil }
    let steps = method.flatMap { node -> [String] in
      if case .object(let members) = node.content { members.map(\.key) } else { [] }
    }
    if steps.contains("technique") || keys.contains("tomato") || keys.contains("version") { return .tomato }
    return steps.contains("step") ? .unicycler : nil
  }

  /// Makes a protocol of ours. The text is not judged further than its own format asks: `ProtocolDecoder` does that.
  public static func imported(
    _ bytes: [UInt8], from format: ForeignFormat, options: ImportOptions
  ) -> Result<ImportedProtocol, ProtocolProblems> {
    let (plan, faults) = read(bytes, format)
    var header = PlanHeader(plan: plan, options: options)
    let sections = header.sections()
    // What follows from steps that could not be read is not told.
    if let found = ProtocolProblems(faults) { return .failure(found) }
    var layout = PlanLayout(firstDirection: header.role?.firstDirection, bounds: header.bounds)
    let steps = layout.laidOut(plan.steps)
    if let found = ProtocolProblems(header.problems + layout.problems) { return .failure(found) }
    let notes = plan.notes + header.notes + layout.notes
    let text = ProtocolText.write(header.title, notes: notes, sections: sections, steps: steps)
    return .success(ImportedProtocol(text: text, notes: notes, format: format))
  }

  private static func read(_ bytes: [UInt8], _ format: ForeignFormat) -> (ForeignPlan, [ProtocolProblem]) {
    switch format {
    case .unicycler:
      var reader = UnicyclerReader(bytes)
      return (reader.read(), reader.problems)
    case .tomato:
      var reader = TomatoReader(bytes)
      return (reader.read(), reader.problems)
    case .pybamm:
      var reader = PyBaMMReader(bytes)
      return (reader.read(), reader.problems)
    }
  }
}
