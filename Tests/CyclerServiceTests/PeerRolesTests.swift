// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import CyclerService

/// Who may do what, with directories that answer, change their mind or hang.
@Suite("Peer roles") struct PeerRolesTests {
  /// Directories in which every user is an operator until a test says otherwise, and some users' entries hang.
  private final class Directories: Sendable {
    let asked = Mutex<[UInt32]>([])
    let hanging = Mutex<Set<UInt32>>([])
    let mayOperate = Mutex(true)
    let release = DispatchSemaphore(value: 0)

    func lookUp(_ user: UInt32) -> PeerRoles.Person {
      asked.withLock { $0.append(user) }
      if hanging.withLock({ $0.contains(user) }) { release.wait() }
      return PeerRoles.Person(name: "user\(user)", mayOperate: mayOperate.withLock { $0 })
    }

    func count(_ user: UInt32) -> Int { asked.withLock { $0.count { $0 == user } } }
  }

  private static func roles(_ directories: Directories, _ timing: PeerRoles.Timing) -> PeerRoles {
    PeerRoles(operatorGroup: "nacycler", timing: timing) { directories.lookUp($0) }
  }

  @Test("what was asked is remembered") func memory() async {
    let directories = Directories()
    // Longer than any machine that runs this stands still.
    let roles = Self.roles(directories, PeerRoles.Timing(memory: .seconds(86_400), patience: .seconds(600)))
    for _ in 0..<3 { #expect(await roles.person(userID: 5_001).name == "user5001") }
    #expect(directories.count(5_001) == 1)
  }

  @Test("a directory that hangs for one user holds up no other") func others() async {
    let directories = Directories()
    directories.hanging.withLock { _ = $0.insert(5_001) }
    let roles = Self.roles(directories, PeerRoles.Timing(patience: .seconds(600)))
    async let stuck = roles.person(userID: 5_001)
    while directories.count(5_001) == 0 { await Task.yield() }
    #expect(await roles.person(userID: 5_002) == PeerRoles.Person(name: "user5002", mayOperate: true))
    directories.release.signal()
    #expect(await stuck.name == "user5001")
  }

  @Test("root and the daemon's user may operate though nobody answers", arguments: [0, geteuid()])
  func always(user: UInt32) async {
    let directories = Directories()
    directories.hanging.withLock { _ = $0.insert(user) }
    let roles = Self.roles(directories, PeerRoles.Timing(patience: .milliseconds(1)))
    #expect(await roles.person(userID: user) == PeerRoles.Person(name: "uid \(user)", mayOperate: true))
    directories.release.signal()
  }

  @Test("a stranger of whom nothing is said may look only") func stranger() async {
    let directories = Directories()
    directories.hanging.withLock { _ = $0.insert(5_001) }
    let roles = Self.roles(directories, PeerRoles.Timing(patience: .milliseconds(1)))
    #expect(await !roles.person(userID: 5_001).mayOperate)
    directories.release.signal()
  }

  @Test("who was known may go on while the directories hang, and loses it as soon as they say so") func changes() async
  {
    let directories = Directories()
    let roles = Self.roles(
      directories, PeerRoles.Timing(memory: .zero, refreshPatience: .milliseconds(1), patience: .seconds(600)))
    #expect(await roles.person(userID: 5_001).mayOperate)
    directories.hanging.withLock { _ = $0.insert(5_001) }
    #expect(await roles.person(userID: 5_001).mayOperate)
    directories.mayOperate.withLock { $0 = false }
    directories.hanging.withLock { $0.removeAll() }
    directories.release.signal()
    while await roles.person(userID: 5_001).mayOperate { await Task.yield() }
  }

  @Test("lookups that hang do not take all threads, and nobody waits for one that is not made") func tooMany() async {
    let directories = Directories()
    let users = 6_000..<UInt32(6_000 + PeerRoles.mostLookups)
    directories.hanging.withLock { $0.formUnion(users) }
    let roles = Self.roles(directories, PeerRoles.Timing(patience: .seconds(600)))
    await withTaskGroup(of: Bool.self) { group in
      for user in users { group.addTask { await roles.person(userID: user).mayOperate } }
      while directories.asked.withLock({ $0.count }) < users.count { await Task.yield() }
      #expect(await !roles.person(userID: 5_001).mayOperate)
      #expect(directories.count(5_001) == 0)
      for _ in users { directories.release.signal() }
      for await mayOperate in group { #expect(mayOperate) }
    }
    #expect(await roles.person(userID: 5_001).mayOperate)
  }
}
