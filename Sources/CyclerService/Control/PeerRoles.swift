// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Root, the daemon's own user and the members of one group may operate; everybody else who can connect may look.
// Names and groups come from the system's directories (NSS), which may ask a server on the network and block for
// seconds: they are asked on a thread of their own kind and remembered for a while.

import Dispatch
import Glibc
import Synchronization

/// Decides what a peer may do.
final class PeerRoles: Sendable {
  /// A user as far as this matters.
  struct Person: Sendable, Hashable {
    /// Login name, or `uid N`.
    var name: String
    /// Whether the person may change anything.
    var mayOperate: Bool
  }

  /// How long answers are kept and waited for.
  struct Timing: Sendable {
    /// Group changes are seen after so long at the latest; short enough for a person who was just added.
    var memory: Duration = .seconds(30)
    /// So long somebody who was known waits for newer word; then what was known holds.
    var refreshPatience: Duration = .milliseconds(200)
    /// So long somebody unknown waits; then the directories have said nothing, and only root and the daemon's user may
    /// operate.
    var patience: Duration = .seconds(5)
  }

  /// So many lookups may hang at once, each on a thread of its own; for further users none is begun.
  static let mostLookups = 16

  private struct Entry {
    var person: Person?
    var until = ContinuousClock.now
    /// Who waits for the lookup that is under way; nil when none is.
    var waiting: [Answer]?
  }

  /// Whose members may operate.
  let operatorGroup: String
  private let timing: Timing
  private let lookUp: @Sendable (UInt32) -> Person
  private let timers = DispatchQueue(label: "nacycler.peer-roles.timers")
  private let entries = Mutex<[UInt32: Entry]>([:])

  /// Roles with that group of operators. `lookUp` asks the directories and may block; by default the system's.
  init(operatorGroup: String, timing: Timing = Timing(), lookUp: (@Sendable (UInt32) -> Person)? = nil) {
    self.operatorGroup = operatorGroup
    self.timing = timing
    self.lookUp = lookUp ?? { Self.lookUp($0, operatorGroup: operatorGroup) }
  }

  /// The person behind a user id. A directory that hangs holds up nobody but those who are asked for there, and those
  /// not for longer than the timing says: `stop` must come through.
  func person(userID: UInt32) async -> Person {
    if let person = entries.withLock({ Self.fresh($0[userID]) }) { return person }
    return await withCheckedContinuation { ask(userID, Answer($0)) }
  }

  private static func fresh(_ entry: Entry?) -> Person? {
    guard let entry, entry.until > ContinuousClock.now else { return nil }
    return entry.person
  }

  private func ask(_ userID: UInt32, _ answer: Answer) {
    let (known, begins, isAsked) = entries.withLock { entries in
      let underWay = entries.values.count { $0.waiting != nil }
      // A machine has few users; whoever makes thousands of ids does not make us keep them.
      if entries.count > 1_000 { entries = entries.filter { $0.value.waiting != nil } }
      var entry = entries[userID] ?? Entry()
      let begins = entry.waiting == nil && underWay < Self.mostLookups
      if begins || entry.waiting != nil { entry.waiting = (entry.waiting ?? []) + [answer] }
      entries[userID] = entry
      return (entry.person, begins, entry.waiting != nil)
    }
    let fallback = known ?? Person(name: "uid \(userID)", mayOperate: Self.isAlwaysOperator(userID))
    guard isAsked else { return answer.give(fallback) }
    // A queue of its own, hence a thread: the global ones lend their few to Swift's tasks, and one of those must not block.
    if begins { DispatchQueue(label: "nacycler.peer-roles").async { self.lookUpNow(userID) } }
    let patience = known == nil ? timing.patience : timing.refreshPatience
    timers.asyncAfter(deadline: .now() + patience.dispatchInterval) { answer.give(fallback) }
  }

  private func lookUpNow(_ userID: UInt32) {
    let person = lookUp(userID)
    let waiting = entries.withLock { entries in
      let waiting = entries[userID]?.waiting ?? []
      entries[userID] = Entry(person: person, until: ContinuousClock.now + timing.memory)
      return waiting
    }
    for answer in waiting { answer.give(person) }
  }

  /// One who waits, answered once.
  private final class Answer: Sendable {
    private let continuation: Mutex<CheckedContinuation<Person, Never>?>
    init(_ continuation: CheckedContinuation<Person, Never>) { self.continuation = Mutex(continuation) }

    func give(_ person: Person) {
      let waiting = continuation.withLock { continuation in
        defer { continuation = nil }
        return continuation
      }
      waiting?.resume(returning: person)
    }
  }

  /// Root and the daemon's own user, whatever the directories say.
  private static func isAlwaysOperator(_ userID: UInt32) -> Bool { userID == 0 || userID == geteuid() }

  private static func lookUp(_ userID: UInt32, operatorGroup: String) -> Person {
    let entry = passwordEntry(userID)
    let mayOperate =
      isAlwaysOperator(userID)
      || entry.map { isMember($0.name, primaryGroup: $0.group, of: operatorGroup) } ?? false
    return Person(name: entry?.name ?? "uid \(userID)", mayOperate: mayOperate)
  }

  private static func passwordEntry(_ userID: UInt32) -> (name: String, group: gid_t)? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    // sysconf(_SC_GETPW_R_SIZE_MAX) is 1,024 on Linux and only a suggestion; a directory server may send more.
    var buffer = [CChar](repeating: 0, count: 65_536)
    return buffer.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress, getpwuid_r(userID, &entry, start, bytes.count, &found) == 0, found != nil,
        let name = entry.pw_name
      else { return nil }
      return (String(cString: name), entry.pw_gid)
    }
  }

  private static func isMember(_ user: String, primaryGroup: gid_t, of group: String) -> Bool {
    var entry = Glibc.group()
    var found: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: 1 << 20)
    let wanted: gid_t? = buffer.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress, getgrnam_r(group, &entry, start, bytes.count, &found) == 0, found != nil
      else { return nil }
      return entry.gr_gid
    }
    guard let wanted else { return false }
    if wanted == primaryGroup { return true }
    // NGROUPS_MAX of Linux.
    var count: Int32 = 65_536
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(user, primaryGroup, &groups, &count) >= 0 else { return false }
    return groups.prefix(Int(count)).contains(wanted)
  }
}

extension Duration {
  fileprivate var dispatchInterval: DispatchTimeInterval {
    .nanoseconds(Int(components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000))
  }
}
