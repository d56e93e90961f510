// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a protocol of ours gives to another program's file: what the cell is, the limits, the policy after an
// interruption. What belongs to the other cell and to the other course (a name, a cycle of reference) stays behind.

import CyclerModel
import CyclingProtocol
import Quantities

extension PlanHeader {
  mutating func readLike() {
    guard let bytes = options.like else { return }
    guard case .success = ProtocolDecoder.decode(bytes),
      case .object(let members)? = JSONReader.read(bytes).root?.content
    else {
      return report("the protocol of --like has problems of its own", hint: "see `nactl check` of it")
    }
    like = members.filter { ["cell", "limits", "metrics", "on_interruption"].contains($0.key) }.map {
      TextNode.Member(key: $0.key, value: TextNode($0.value))
    }
    if like.contains(where: { $0.value.holdsVariable }) {
      report("cell or limits of --like stand in variables", hint: "write their values into that file")
    }
    notes.append("Cell, limits and the policy after an interruption are those of another protocol.")
    takeCellName()
    dropRetention()
    takeCapacity()
    narrowVoltages()
    bounds.holdText = likeHoldCurrent
    bounds.chargeText = likeText("limits", "charge_current", "max")
    bounds.dischargeText = likeText("limits", "discharge_current", "max")
  }

  /// What --like says cannot be said by another option too.
  mutating func judgeOptionsBesideLike() {
    if let said = options.role, let role, said != role {
      report("--role says \(said.rawValue), the protocol of --like \(role.rawValue)", hint: "leave --role out")
    }
    if options.voltageLimits != nil || options.openCircuit != nil {
      report(
        "--like says the voltage limits and the open circuit", hint: "leave --voltage-limits and --open-circuit out")
    }
  }

  private func likeObject(_ section: String, _ key: String) -> TextNode? {
    guard case .object(let members)? = like.first(where: { $0.key == section })?.value else { return nil }
    return members.first { $0.key == key }?.value
  }

  private func likeText(_ section: String, _ path: String...) -> String? {
    var node = likeObject(section, path[0])
    for key in path.dropFirst() {
      guard case .object(let members)? = node else { return nil }
      node = members.first { $0.key == key }?.value
    }
    guard case .text(let text)? = node else { return nil }
    return text
  }

  private mutating func changeLike(_ section: String, _ change: (inout [TextNode.Member]) -> Void) {
    guard let place = like.firstIndex(where: { $0.key == section }), case .object(var members) = like[place].value
    else { return }
    change(&members)
    like[place].value = .object(members)
  }

  var likeRole: CellRole? { likeText("cell", "role").flatMap { CellRole(rawValue: $0) } }

  /// The other protocol's cell is another cell.
  private mutating func takeCellName() {
    let name = plan.cellName
    changeLike("cell") { members in
      members.removeAll { $0.key == "name" }
      if let name { members.append(TextNode.Member(key: "name", value: .text(name))) }
    }
  }

  /// A reference names a cycle of the other protocol.
  private mutating func dropRetention() {
    guard likeText("metrics", "retention_reference") != nil else { return }
    notes.append("The cycle to which retention refers is not taken over: it is one of the other protocol.")
    // Without a reference a threshold says nothing.
    changeLike("metrics") { $0.removeAll { ["retention_reference", "retention_threshold"].contains($0.key) } }
    like.removeAll { $0.key == "metrics" && $0.value == .object([]) }
  }

  private mutating func takeCapacity() {
    let theirs = plan.nominalCapacity
    guard let written = likeText("cell", "nominal_capacity"), let ours = try? Charge(written: written) else {
      if let theirs {
        changeLike("cell") {
          $0.append(TextNode.Member(key: "nominal_capacity", value: .text(theirs.written)))
        }
      }
      return
    }
    if let theirs, theirs != ours {
      report(
        "the file's nominal capacity is \(theirs.written), the protocol's of --like \(ours.written)",
        hint: "correct one of them: C-rates are computed from it")
    }
    bounds.capacity = ours
  }

  /// Of the file's voltage limits and those of --like the narrower ones hold.
  private mutating func narrowVoltages() {
    let safety = plan.safety
    for (key, theirs, isNarrower) in [
      ("min", safety.lowestVoltage, { (a: Voltage, b: Voltage) in a > b }), ("max", safety.highestVoltage, { $0 < $1 }),
    ] {
      guard let theirs, let written = likeText("limits", "voltage", key), let ours = try? Voltage(written: written),
        isNarrower(theirs, ours)
      else { continue }
      changeLike("limits") { limits in
        guard let place = limits.firstIndex(where: { $0.key == "voltage" }),
          case .object(var voltage) = limits[place].value
        else { return }
        voltage = voltage.map { $0.key == key ? TextNode.Member(key: key, value: .text(theirs.written)) : $0 }
        limits[place].value = .object(voltage)
      }
      notes.append("The voltage limit \(theirs.written) is the file's own, which is narrower.")
    }
    if safety.chargeCurrent != nil || safety.dischargeCurrent != nil || safety.charge != nil {
      notes.append("The file's own limits of current and charge are replaced by those of the other protocol.")
    }
  }

  /// What both directions allow, where that can be told.
  private var likeHoldCurrent: String? {
    guard let charge = likeText("limits", "charge_current", "max"),
      let discharge = likeText("limits", "discharge_current", "max")
    else { return nil }
    if charge == discharge { return charge }
    guard let one = try? Current(written: charge), let other = try? Current(written: discharge) else { return nil }
    return min(one, other).written
  }
}
