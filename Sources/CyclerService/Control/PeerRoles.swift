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

  /// Group changes are seen after so long at the latest; short enough for a person who was just added.
  private static let memory: Duration = .seconds(30)

  /// Whose members may operate.
  let operatorGroup: String
  /// A queue of its own: the global ones lend their few threads to Swift's tasks, and one of those must not block.
  private let directory = DispatchQueue(label: "nacycler.peer-roles")
  private let known = Mutex<[UInt32: (person: Person, until: ContinuousClock.Instant)]>([:])

  /// Roles with that group of operators.
  init(operatorGroup: String) { self.operatorGroup = operatorGroup }

  /// The person behind a user id.
  func person(userID: UInt32) async -> Person {
    let now = ContinuousClock.now
    if let entry = known.withLock({ $0[userID] }), entry.until > now { return entry.person }
    let group = operatorGroup
    let directory = directory
    let person = await withCheckedContinuation { continuation in
      directory.async { continuation.resume(returning: Self.lookUp(userID, operatorGroup: group)) }
    }
    known.withLock {
      // A machine has few users; whoever makes thousands of ids does not make us keep them.
      if $0.count > 1_000 { $0.removeAll() }
      $0[userID] = (person, now + Self.memory)
    }
    return person
  }

  private static func lookUp(_ userID: UInt32, operatorGroup: String) -> Person {
    let entry = passwordEntry(userID)
    let mayOperate =
      userID == 0 || userID == geteuid()
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
