// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import VirtualLab

extension ReplayInstrument {
  /// What the recording's cell had at its terminals where the player stands: the last row, and its current for as long as the
  /// set-point plays. While it waits for its host, nothing is played and nothing flows.
  public func terminals(channel: Int) -> TerminalState? {
    guard channel == 0 else { return nil }
    let isWaiting = nextLine - acknowledged > Self.window
    let flows = isPlaying && !isWaiting && !isLooking && recording.stretches[place.stretch].sense != .rest
    return TerminalState(isClosed: flows, volts: lastVolts, amperes: flows ? lastAmperes : 0)
  }

  /// Lets it misbehave. It has nothing that could be overdriven and no word for what is no number; and one that acknowledges
  /// and plays nothing, or goes on behind its own word that it has stopped, cannot be: there is no circuit beside what it says.
  public mutating func misbehave(_ kind: Misbehaviour?, channel: Int) -> Bool {
    guard channel == 0 else { return false }
    switch kind {
    case .liar, .overload, .notANumber: return false
    case nil, .refusing, .frozenReading, .wrongValue: break
    }
    let now = terminals(channel: 0)
    fault = kind.map { MeterFault($0, volts: now?.volts ?? 0, amperes: now?.amperes ?? 0) }
    return true
  }

  /// Whether it takes no set-point.
  var isRefusing: Bool { fault?.kind == .refusing }

  private var isLooking: Bool {
    if case .look? = playing?.request.expectation { true } else { false }
  }
}
