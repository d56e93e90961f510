// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// What a 2450 or 2460 keeps beside its analogue half: settings of each measuring function, buffers, and how it writes.
struct InteractiveState: Sendable {
  /// A measuring function.
  enum Function: String, Sendable, Hashable, CaseIterable {
    /// Amperes.
    case current = "CURR"
    /// Volts.
    case voltage = "VOLT"
    /// Ohms: the ratio of the two.
    case resistance = "RES"

    /// The keyword's long form, with the short one in capitals.
    var keyword: Substring {
      switch self {
      case .current: "CURRent"
      case .voltage: "VOLTage"
      case .resistance: "RESistance"
      }
    }

    /// What the question for the function is answered with (qcodes' names of functions).
    var answer: String { self == .resistance ? "\"RES\"" : "\"\(rawValue):DC\"" }

    /// The unit of its readings unless another is chosen.
    var unit: String {
      switch self {
      case .current: "AMP"
      case .voltage: "VOLT"
      case .resistance: "OHM"
      }
    }
  }

  /// Settings that each measuring function has for itself.
  struct Sense: Sendable, Hashable {
    var powerLineCycles = 1.0
    var hasRemoteSense = false
    var zeroes = true
    var averages = false
    var averageCount = 10
    var averageType = "REP"
    var offset = 0.0
    var subtractsOffset = false
    var unit: String
    /// Ohms: that range is of the resistance itself and changes nothing here.
    var range = 2e5
    var choosesRange = true
    /// A straight line that is laid over the reading.
    var factor = 1.0
    var summand = 0.0
    var calculates = false
  }

  var function = Function.current
  var senses: [Function: Sense] = Self.freshSenses
  /// Whether the source is measured or taken as it was set.
  var readsBack = SourceMeter.PerFunction(current: true, voltage: true)
  var delays = SourceMeter.PerFunction(current: 0.0, voltage: 0.0)
  var delaysItself = SourceMeter.PerFunction(current: true, voltage: true)
  var isForHighCapacitance = SourceMeter.PerFunction(current: false, voltage: false)
  var count = 1
  /// Digits of a number; 0 leaves it to the instrument.
  var precision = 0
  var buffers = Self.freshBuffers
  var usesRearTerminals = false
  /// Readings of the trigger model's loop, and the buffer that they go to.
  var loop: (count: Int, delay: Double, buffer: String)?
  /// What is taken up at the next power-on.
  var nextLanguage: KeithleyInstrument.Language?
  var serviceEnable = 0
  /// Standard events: 128 says that it was switched on.
  var events = 128
  var enables: [String: Int] = [:]

  private static let freshSenses = Dictionary(
    uniqueKeysWithValues: Function.allCases.map { ($0, Sense(unit: $0.unit)) })
  private static let freshBuffers = [
    "defbuffer1": ReadingBuffer(capacity: 100_000, fillsOnce: false),
    "defbuffer2": ReadingBuffer(capacity: 100_000, fillsOnce: false),
  ]

  /// `*RST`: everything but the registers and what the next power-on brings.
  mutating func reset() {
    var fresh = InteractiveState()
    fresh.nextLanguage = nextLanguage
    fresh.serviceEnable = serviceEnable
    fresh.events = events
    fresh.enables = enables
    self = fresh
  }

  /// The settings of a function.
  subscript(function: Function) -> Sense {
    get { senses[function] ?? Sense(unit: function.unit) }
    set { senses[function] = newValue }
  }
}
