// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// A run's set of parameters as a person names it: by its number, or by the label that it was given.
///
/// Numbers are of one database: a run that is taken in elsewhere has its sets under other numbers there, and its labels
/// stay.
public struct ParameterSetName: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  public let description: String

  /// Takes a number or a label; nil for an empty text.
  public init?(_ text: String) {
    guard !text.isEmpty else { return nil }
    description = text
  }

  /// The set that is meant: of that number, and otherwise of that label.
  /// - Parameters:
  ///   - sets: All sets of the run.
  ///   - key: Number and label of one.
  ///   - run: The run's number.
  ///   - cell: The name of its cell, where it is known.
  ///   - role: The role of its cell; only the plateau of an anode half-cell can be told by another threshold.
  /// - Throws: `RequestRefused` with `recompute.no_such_set`, or with `recompute.label_of_several` when several sets have
  ///   the label.
  public func chosen<Candidate>(
    from sets: [Candidate], by key: (Candidate) -> (number: Int64, label: String?), of run: Int64,
    cell: String? = nil, role: String? = nil
  ) throws(RequestRefused) -> Candidate {
    if let number = Int64(description), let set = sets.first(where: { key($0).number == number }) { return set }
    let labelled = sets.filter { key($0).label == description }
    guard let set = labelled.first else { throw missing(run, cell, role) }
    guard labelled.count == 1 else {
      let numbers = labelled.map { "\(key($0).number)" }.joined(separator: ", ")
      throw RequestRefused(
        .conflict, code: "recompute.label_of_several",
        message: "run \(run) has several parameter sets of the label “\(description)”: \(numbers)",
        hint: "name one by its number")
    }
    return set
  }

  private func missing(_ run: Int64, _ cell: String?, _ role: String?) -> RequestRefused {
    let name = Int64(description) == nil ? "“\(description)”" : description
    let place = cell.map { " of cell \($0)" } ?? ""
    // Without any parameter nothing is stored, so the example has one that the cell can have.
    let example =
      role == nil || role == "anode-half-cell" ? "--sodiation-plateau-below \"50 mV\"" : "--mass \"1.2 mg\""
    return RequestRefused(
      .notFound, code: "recompute.no_such_set",
      message: "run \(run)\(place) has no cycles under parameter set \(name)",
      hint: "`nactl recompute \(run) --list` shows the sets; `nactl recompute \(run) \(example)` makes one")
  }
}
