// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import CyclingProtocol
import Quantities
import Testing

/// Steps whose conditions are joined by `and` or must last, and what is wrong with them.
enum JoinedConditionProtocols {
  static let malformed: [RefusalCase] = [
    .step(
      "and is no time bound", #"{"charge": "0.1 mA", "until": ["voltage >= 2 V and step_time >= 1 h"]}"#, "",
      "without a time bound"),
    .step(
      "for is no time bound",
      #"{"hold": "0 V", "current_at_most": "1 mA", "until": [{"when": "current <= 1 uA", "for": "1 min"}]}"#, "",
      "without a time bound"),
    .step(
      "and without meaning",
      #"{"charge": "0.1 mA", "until": ["voltage >= 2 V and current <= 1 uA", "step_time >= 1 h"]}"#,
      ".until[0]", "in a hold only"),
    .step(
      "and with charge at rest", #"{"rest": "1 h", "until": ["voltage >= 2 V and step_charge >= 1 mAh"]}"#, ".until[0]",
      "during a rest"),
    .step(
      "and of half-cycles in a diagnostic",
      #"{"charge": "0.1 mA", "diagnostic": true, "until": ["voltage >= 2 V and half_cycle_time >= 1 s", "#
        + #""step_time >= 1 h"]}"#, ".until[0]", "no half-cycle"),
    .step(
      "and outside the limits",
      #"{"charge": "0.1 mA", "until": ["voltage >= 9 V and step_time >= 1 s", "step_time >= 1 h"]}"#, ".until[0]",
      "outside the limits"),
    .step(
      "and with nothing behind it", #"{"charge": "0.1 mA", "until": ["voltage >= 2 V and ", "step_time >= 1 h"]}"#,
      ".until[0]", "not a comparison"),
    .step(
      "a time that lasts", #"{"charge": "0.1 mA", "until": [{"when": "step_time >= 1 h", "for": "1 min"}]}"#,
      ".until[0].for", "does not come and go"),
    .step(
      "a time in words", #"{"rest": "1 h", "until": [{"when": "voltage <= 1 V", "for": "a while"}]}"#, ".until[0].for",
      ""),
    .step(
      "the same twice",
      #"{"rest": "1 h", "until": ["voltage <= 1 V and test_time >= 1 h", "voltage <= 1 V and test_time >= 1 h"]}"#,
      ".until[1]", "twice"),
  ]
}
