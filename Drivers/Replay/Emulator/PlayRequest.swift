// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What the host expects the recording to do next.
struct PlayRequest: Sendable, Hashable {
  enum Expectation: Sendable, Hashable {
    /// Say for so long what the voltage is where the recording stands, and play nothing; both in microseconds.
    case look(lasting: Int64, every: Int64)
    /// A rest.
    case rest
    /// A current of that sense; its magnitude in picoamperes.
    case current(Stretch.Sense, Int64)
    /// A held voltage.
    case hold
    /// A current of that sense and the hold behind it.
    case both(Stretch.Sense)
  }
  /// The host's name for it.
  var token: [UInt8]
  var expectation: Expectation

  /// A look, and a rest that may be passed over for one, last no longer than this, in microseconds.
  static let longestLook: Int64 = 10_000_000

  /// A set-point whose current is further than this share from the mean of what flowed is not what was recorded.
  static let currentTolerance = 0.5

  /// Reads the words behind `P`; nil where they are none of the protocol's.
  init?(_ words: [ArraySlice<UInt8>]) {
    guard words.count >= 2, (1...32).contains(words[0].count) else { return nil }
    token = Array(words[0])
    let texts = words.dropFirst().map { String(decoding: $0, as: UTF8.self) }
    switch (texts[0], texts.count) {
    case ("look", 3):
      guard let lasting = Int64(texts[1]), let every = Int64(texts[2]), (0...Self.longestLook).contains(lasting),
        every > 0
      else { return nil }
      expectation = .look(lasting: lasting, every: every)
    case ("rest", 1): expectation = .rest
    case ("hold", 1): expectation = .hold
    case ("charge", 2), ("discharge", 2):
      guard texts[1] == "both" else { return nil }
      expectation = .both(texts[0] == "charge" ? .charge : .discharge)
    case ("charge", 3), ("discharge", 3):
      guard texts[1] == "current", let picoamperes = Int64(texts[2]), picoamperes > 0 else { return nil }
      expectation = .current(texts[0] == "charge" ? .charge : .discharge, picoamperes)
    default: return nil
    }
  }

  /// Whether a stretch is what is expected.
  func fits(_ stretch: Stretch) -> Bool {
    switch expectation {
    case .look: true
    case .rest: stretch.sense == .rest
    case .current(let sense, let picoamperes):
      stretch.sense == sense && !stretch.isHold
        && (abs(stretch.meanCurrent) * 1e12 / Double(picoamperes) - 1).magnitude <= Self.currentTolerance
    case .hold: stretch.sense != .rest && stretch.isHold
    case .both(let sense): stretch.sense == sense
    }
  }

  /// In words.
  var words: String {
    switch expectation {
    case .look: "a look"
    case .rest: "a rest"
    case .current(let sense, let picoamperes): "a \(sense) with a constant \(Self.amperes(Double(picoamperes) / 1e12))"
    case .hold: "a held voltage"
    case .both(let sense): "a \(sense) to a voltage that is then held"
    }
  }

  /// With a prefix and four digits.
  static func amperes(_ value: Double) -> String {
    let (scaled, unit) =
      switch abs(value) {
      case 1...: (value, "A")
      case 1e-3..<1: (value * 1e3, "mA")
      case 1e-6..<1e-3: (value * 1e6, "uA")
      default: (value * 1e9, "nA")
      }
    return "\(digits(scaled, places: 2)) \(unit)"
  }

  static func digits(_ value: Double, places: Int) -> String {
    let factor = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
    let rounded = (value * factor).rounded() / factor
    return rounded == rounded.rounded() ? String(Int64(rounded)) : String(rounded)
  }
}
