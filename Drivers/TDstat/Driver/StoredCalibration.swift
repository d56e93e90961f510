// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an instrument keeps of its own errors. Where nothing was ever stored its memory reads as ones, and that is no value:
// taken for one, a shunt would be 3.3 % off.

/// The contents of the three calibration memories.
struct StoredCalibration: Sendable, Hashable {
  /// Counts that the input converters are off, of the voltage and of the current. Nothing where none are stored.
  var voltageOffset: Int64 = 0
  var currentOffset: Int64 = 0
  /// Millionths by which each shunt is larger than it should be, in the order of the ranges.
  var shunts: [Int64] = []
  /// Which memories hold nothing.
  var lacksOffsets = true
  var lacksOutput = true
  var lacksShunts = true

  /// Takes the answer to `OFFSETREAD`.
  mutating func takeOffsets(_ bytes: AnswerBytes) {
    lacksOffsets = bytes.isErased
    voltageOffset = lacksOffsets ? 0 : OutputCode.distance(bytes[0], bytes[1], bytes[2])
    currentOffset = lacksOffsets ? 0 : OutputCode.distance(bytes[3], bytes[4], bytes[5])
  }

  /// Takes the answer to `DACCALGET`. The firmware applies it by itself.
  mutating func takeOutput(_ bytes: AnswerBytes) { lacksOutput = bytes.isErased }

  /// Takes the answer to `SHUNTCALREAD`: 1 + (code - 2^15) / 10^6 for each range.
  mutating func takeShunts(_ bytes: AnswerBytes) {
    lacksShunts = bytes.isErased
    shunts = stride(from: 0, to: bytes.count - 1, by: 2).map { place in
      lacksShunts ? 0 : (Int64(bytes[place]) << 8 | Int64(bytes[place + 1])) - (1 << 15)
    }
  }

  /// What a person should know of it, in a few words; the firmware has no version of its own.
  var words: String {
    let lacking = [
      lacksOffsets ? "offsets" : nil, lacksOutput ? "output" : nil, lacksShunts ? "shunts" : nil,
    ].compactMap { $0 }
    return lacking.isEmpty ? "calibrated" : "never calibrated: " + lacking.joined(separator: ", ")
  }
}
