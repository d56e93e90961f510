// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import Glibc
import InstrumentIO
import InstrumentKit
import Testing

@testable import InstrumentIO

@Suite("Which ports there are") struct PortDiscoveryTests {
  // MARK: Rules

  private let emStat = PortCandidate(
    path: "/dev/ttyACM0", origin: .plugged, vendorID: "0403", productID: "6015", product: "EmStat4",
    manufacturer: "PalmSens", serial: "ES4HR24B0012", portPath: "1-1:1.0")

  @Test("every stated part of a rule must fit, and a rule that states nothing fits nothing") func rules() {
    let cases: [(MatchRule, Bool)] = [
      (MatchRule(productPrefix: "EmStat4"), true),
      (MatchRule(productPrefix: "EmStat"), true),
      (MatchRule(productPrefix: "emstat"), false),
      (MatchRule(productPrefix: "Nexus"), false),
      (MatchRule(vendorID: "0403"), true),
      (MatchRule(vendorID: "0403", productID: "6015"), true),
      (MatchRule(vendorID: "0403", productID: "6001"), false),
      (MatchRule(vendorID: "1366", productPrefix: "EmStat4"), false),
      (MatchRule(productPrefix: "EmStat", excludedProductPrefix: "EmStat4"), false),
      (MatchRule(productPrefix: "EmStat", excludedProductPrefix: "EmStat4 Bootloader"), true),
      (MatchRule(), false),
      (MatchRule(excludedProductPrefix: "Arduino"), false),
    ]
    for (rule, fits) in cases { #expect(rule.fits(emStat) == fits, "\(rule)") }
  }

  @Test("a bootloader is never an instrument, whoever names it") func bootloader() {
    var candidate = emStat
    candidate.product = "EmStat4 Bootloader"
    let family = InstrumentDescriptor(
      family: "methodscript", baudRate: 921_600, matches: [MatchRule(productPrefix: "EmStat4")],
      maturity: .emulatedOnly)
    #expect(!family.mayBe(at: candidate))
    candidate.origin = .named
    #expect(!family.mayBe(at: candidate))
    candidate.product = nil
    #expect(family.mayBe(at: candidate))
    candidate.origin = .plugged
    #expect(!family.mayBe(at: candidate))
    #expect(family.mayBe(at: emStat))
  }

  @Test("who says what is at a port is heard before who names it only") func families() throws {
    let folder = try TestFolder()
    let line = try TestLine()
    try #require(symlink(line.path, folder.path + "/thermometer-1") == 0)
    var named = NamedPorts(patterns: [folder.path + "/*", "line_thermometer:" + folder.path + "/thermometer-*"])
    #expect(named.evaluate().map(\.family) == ["line_thermometer"])
    var census = PortCensus()
    let changes = census.update(named: named.evaluate(), plugged: [])
    let candidate = PortCandidate(path: folder.path + "/thermometer-1", origin: .named, family: "line_thermometer")
    #expect(changes == [.appeared(candidate)])
    #expect(census.update(named: named.evaluate(), plugged: []) == [], "a line that is known keeps its family")
  }

  @Test("what a pattern leads to and is no line is never opened, and told") func passedOver() throws {
    let folder = try TestFolder()
    let text = folder.path + "/text"
    try #require(close(open(text, O_CREAT | O_WRONLY, 0o600)) == 0)
    try #require(symlink("/tmp", folder.path + "/folder") == 0)
    try #require(symlink("/nowhere", folder.path + "/gone") == 0)
    let line = try TestLine()
    try #require(symlink(line.path, folder.path + "/line") == 0)
    var named = NamedPorts(patterns: [folder.path + "/*"])
    #expect(named.evaluate().map(\.path) == [folder.path + "/line"])
    #expect(named.passedOver == [text, folder.path + "/folder"])

    let said = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: [folder.path + "/*"], watchesUSB: false) { said.put($0) }
    let told = said.first { if case .passedOver(text, let fault) = $0 { fault.code == .portUnusable } else { false } }
    #expect(told != nil)
    unlink(text)
    #expect(said.first { $0 == .noLongerPassedOver(path: text) } != nil)
    discovery.stop()
    let times = said.all.count { if case .passedOver(text, _) = $0 { true } else { false } }
    #expect(times == 1, "once, not at every look")
  }

  @Test("a pattern that leads nowhere is told, once, and again when it leads somewhere") func leadsNowhere() throws {
    let folder = try TestFolder()
    let line = try TestLine()
    let (later, there) = ("line_thermometer:" + folder.path + "/later*", folder.path + "/line")
    try #require(symlink(line.path, there) == 0)
    try #require(symlink("/nowhere", folder.path + "/gone") == 0)
    let gone = folder.path + "/gone"
    var named = NamedPorts(patterns: [there, later, gone, "/dev/null*", "keithley_scpi:tcp://127.0.0.1:5025"])
    _ = named.evaluate()
    #expect(named.leadingNowhere == [later, gone], "as they were written")

    let said = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: [there, later], watchesUSB: false) { said.put($0) }
    #expect(said.first { $0 == .settled } != nil)
    #expect(said.all.filter { $0 == .leadsNowhere(pattern: later) }.count == 1)
    // A second name of a line that is known leads somewhere too.
    try #require(symlink(line.path, folder.path + "/later-1") == 0)
    #expect(said.first { $0 == .leadsSomewhere(pattern: later) } != nil)
    discovery.stop()
    #expect(!said.all.contains(.leadsNowhere(pattern: there)))
  }

  // MARK: Census

  private func found(_ path: String, _ node: String, inode: UInt = 1) -> NamedPorts.Found {
    NamedPorts.Found(path: path, node: node, incarnation: .init(device: 5, inode: inode, line: 7))
  }

  @Test("what vanished is told before what appeared, and nothing twice") func census() {
    var census = PortCensus()
    #expect(census.update(named: [], plugged: [emStat]) == [.appeared(emStat)])
    #expect(census.update(named: [], plugged: [emStat]) == [])
    var other = emStat
    other.serial = "ES4HR24B0099"
    // Unplugged and another plugged in between two looks: the same name, not the same instrument.
    #expect(census.update(named: [], plugged: [other]) == [.vanished(emStat), .appeared(other)])
    #expect(census.update(named: [], plugged: []) == [.vanished(other)])
  }

  @Test("a plugged line that is also named is one port under its given name") func namedAndPlugged() {
    var census = PortCensus()
    var expected = emStat
    expected.path = "lines/a"
    expected.origin = .named
    let name = found("lines/a", "/dev/ttyACM0")
    #expect(census.update(named: [name], plugged: [emStat]) == [.appeared(expected)])
    // The name goes and the line stays.
    #expect(census.update(named: [], plugged: [emStat]) == [.vanished(expected), .appeared(emStat)])
  }

  @Test("what the bus says of an open named port later does not make it another port") func lateDescription() {
    var census = PortCensus()
    let name = found("/dev/ttyACM0", "/dev/ttyACM0")
    let bare = PortCandidate(path: "/dev/ttyACM0", origin: .named)
    #expect(census.update(named: [name], plugged: []) == [.appeared(bare)])
    #expect(census.update(named: [name], plugged: [emStat]) == [])
    let anew = found("/dev/ttyACM0", "/dev/ttyACM0", inode: 2)
    #expect(census.update(named: [anew], plugged: []).count == 2)
  }

  // MARK: The thread

  @Test("links that come, move and go are reported under their own names") func globChanges() throws {
    let folder = try TestFolder()
    let first = try TestLine()
    let second = try TestLine()
    let link = "\(folder.path)/emstat4-hr-1"
    #expect(symlink(first.path, link) == 0)
    let news = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: ["\(folder.path)/*"], watchesUSB: false) { news.put($0) }
    defer { discovery.stop() }
    #expect(news.first { $0 == .settled } != nil)
    let one = PortCandidate(path: link, origin: .named)
    #expect(news.all == [.changed(.appeared(one)), .settled])

    let other = PortCandidate(path: "\(folder.path)/emstat4-hr-2", origin: .named)
    #expect(symlink(second.path, other.path) == 0)
    #expect(news.first { $0 == .changed(.appeared(other)) } != nil)

    #expect(unlink(other.path) == 0)
    #expect(news.first { $0 == .changed(.vanished(other)) } != nil)

    // One rename moves the link from one line to another; no moment shows the folder without it.
    let staged = "\(folder.path)/.staged"
    #expect(symlink(second.path, staged) == 0)
    #expect(rename(staged, link) == 0)
    #expect(news.first { $0 == .changed(.vanished(one)) } != nil)
    // The first report of `one` is its appearing at the start, the second the moved link.
    #expect(news.first { _ in news.all.count { $0 == .changed(.appeared(one)) } == 2 } != nil)
  }

  @Test("a line that dies behind its link is reported, though the folder did not change") func deadLine() throws {
    let folder = try TestFolder()
    let line = try TestLine()
    let link = "\(folder.path)/line"
    #expect(symlink(line.path, link) == 0)
    let news = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: [link], watchesUSB: false) { news.put($0) }
    defer { discovery.stop() }
    #expect(news.first { $0 == .settled } != nil)
    // While someone has the dead line open, as the daemon would, the kernel gives its number to no other line.
    let holder = open(line.path, O_RDWR | O_NOCTTY)
    defer { close(holder) }
    try #require(holder >= 0)
    line.hangUp()
    #expect(news.first { $0 == .changed(.vanished(PortCandidate(path: link, origin: .named))) } != nil)
  }

  @Test("a folder that is made later is watched from then on") func lateFolder() throws {
    let folder = try TestFolder()
    let line = try TestLine()
    let news = try Mailbox<PortDiscovery.News>()
    let inner = "\(folder.path)/lines"
    let discovery = try PortDiscovery(patterns: ["\(inner)/*"], watchesUSB: false) { news.put($0) }
    defer { discovery.stop() }
    #expect(news.first { $0 == .settled } != nil)
    #expect(mkdir(inner, 0o700) == 0)
    #expect(symlink(line.path, "\(inner)/a") == 0)
    #expect(news.first { $0 == .changed(.appeared(PortCandidate(path: "\(inner)/a", origin: .named))) } != nil)
    unlink("\(inner)/a")
    rmdir(inner)
  }

  @Test("nothing is said after the stop, and a second stop is harmless") func stop() throws {
    let folder = try TestFolder()
    let line = try TestLine()
    let news = try Mailbox<PortDiscovery.News>()
    let discovery = try PortDiscovery(patterns: ["\(folder.path)/*"], watchesUSB: true) { news.put($0) }
    #expect(news.first { $0 == .settled } != nil)
    discovery.stop()
    let before = news.all.count
    #expect(symlink(line.path, "\(folder.path)/late") == 0)
    discovery.stop()
    #expect(news.all.count == before)
  }

  @Test("the folder of a pattern is what is watched") func directories() {
    #expect(NamedPorts.directory(of: "/dev/ttyUSB*") == "/dev")
    #expect(NamedPorts.directory(of: "links/*") == "links")
    #expect(NamedPorts.directory(of: "line") == ".")
    #expect(NamedPorts.directory(of: "/line") == "/")
  }
}
