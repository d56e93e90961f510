// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Foundation
import Testing

@testable import nactl

@Suite("Pictures of cycles and curves") struct PictureTests {
  private static func cycles(_ efficiencies: [Double?], ratio: Double? = nil) -> CycleTable {
    CycleTable(
      run: 3, cell: "HC-1", role: "anode-half-cell",
      cycles: efficiencies.enumerated().map { index, efficiency in
        CycleFrame(
          run: 3, cell: "HC-1", cycle_number: Int64(index + 1), cell_cycle_number: Int64(index + 1),
          charge_capacity_Ah: efficiency.map { 3e-4 * $0 }, discharge_capacity_Ah: efficiency.map { _ in 3e-4 },
          coulombic_efficiency: efficiency, sodiation_plateau_ratio: ratio, flags: [])
      })
  }

  private static let life: [Double?] = [0.714, 0.985, 0.992, 0.995, nil, 0.997, 0.9975, 0.998, 0.9982, 0.9984]

  @Test func theEfficiencyZoomsAndMarksTheFirstCycleAtTheEdge() throws {
    let pictures = CyclePictures(table: Self.cycles(Self.life), scale: .milliampereHours).all
    #expect(pictures.map(\.title) == ["Coulombic efficiency", "Capacity, charge and discharge"])
    let range = try #require(pictures[0].yRange)
    #expect(abs(range.lowerBound - 98.5) < 1e-9 && abs(range.upperBound - 99.84) < 1e-9)
    let text = CyclePictures(table: Self.cycles(Self.life), scale: .milliampereHours).text(width: 50, glyphs: .braille)
    #expect(
      text.split(separator: "\n", omittingEmptySubsequences: false).prefix(14).joined(separator: "\n") == Self.golden,
      "\(text)")
    #expect(text.contains("outside: ▼ 71.400 in cycle 1\n"))
  }

  private static let golden = """
    Coulombic efficiency
    CE / %
         │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⣀⣀⣀⡠⠤⠤⠤⠔⠒⠒⠒⠒⠒⠒⠉⠉⠉⠉⠉
         │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠉
    99.5 ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⡠⠔
         │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠤⠊
         │⠀⠀⠀⠀⠀⠀⠀⠀⠀⡰⠁
    99.0 ┤⠀⠀⠀⠀⠀⠀⠀⠀⡰⠁
         │⠀⠀⠀⠀⠀⠀⠀⡰⠁
         │⠀⠀⠀⠀⠀⠀⡰⠁
    98.5 ┤▼⠀⠀⠀⠀⡰⠁
         └───────────────────┬───────────────────────┬
                             5                       10
                        cycle of the run
    """

  @Test func asciiHasNothingThatATerminalCouldLack() {
    let text = CyclePictures(table: Self.cycles(Self.life, ratio: 0.6), scale: .milliampereHours)
      .text(width: 60, glyphs: .ascii)
    #expect(text.utf8.allSatisfy { $0 < 0x80 }, "\(text)")
    #expect(text.contains("outside: v 71.400 in cycle 1"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 62 })
  }

  /// A gap ends the line: between the two parts no dot is set.
  @Test func aGapIsNoLineAndNoZero() {
    let points = [0.0, 1, 2, 3, 4, 5, 6].map { x in
      x == 3 ? nil : CurvePlot.Point(x: x, lowest: 5 + x, highest: 5 + x)
    }
    let picture = Picture(title: "t", xLabel: "x", yLabel: "y", series: [.init(name: "a", points: points)])
    let lines = CurvePlot.text(picture, width: 70, height: 6, glyphs: .ascii).split(separator: "\n").dropFirst(2)
      .prefix(6)
    let middle = lines.map { Array($0).dropFirst(4) }.map { $0.dropFirst(23).prefix(18) }
    #expect(middle.allSatisfy { $0.allSatisfy { $0 == " " } }, "\(lines)")
    #expect(picture.ySpan == 5...11)
  }

  @Test(arguments: [
    (0.0, 1.0, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]), (98.5, 99.84, 4, ["98.5", "99.0", "99.5"]),
    (-0.3, 2.05, 5, ["0.0", "0.5", "1.0", "1.5", "2.0"]), (1, 10, 4, ["5", "10"]),
    (0, 1e-6, 3, ["0.0000000", "0.0000005", "0.0000010"]),
    (123_400, 987_600, 5, ["200000", "400000", "600000", "800000"]),
  ])
  func ticksAreRound(low: Double, high: Double, most: Int, texts: [String]) {
    #expect(AxisTicks(from: low, to: high, most: most).texts == texts)
  }

  @Test func ticksOfWhatIsNoAxis() {
    #expect(AxisTicks(from: 1, to: 1, most: 5).values == [1])
    #expect(AxisTicks(from: .nan, to: 1, most: 5).values.isEmpty)
    #expect(AxisTicks(from: 0, to: .infinity, most: 5).values == [0])
  }

  @Test func whatIsLeftOutForOneReasonStandsInOneLine() {
    let left = [1, 2, 3, 7].map { LeftOut(cell: "a", run: 2, cycle_number: $0, reason: "truncated") }
    let others = [
      LeftOut(cell: "b", run: 3, cycle_number: 1, reason: "truncated"), LeftOut(cell: "c", reason: "no run"),
    ]
    #expect(
      Compare.lines(left + others) == [
        "a, run 2, cycles 1-3, 7: truncated", "b, run 3, cycle 1: truncated", "c: no run",
      ])
  }

  @Test func theMiddleLeavesOutTheEnds() {
    #expect(Picture.middle(of: []) == nil)
    #expect(Picture.middle(of: [3]) == 3...3)
    #expect(Picture.middle(of: (0...40).map(Double.init)) == 2...38)
  }

  @Test func fewValuesAreShownAsTheyAre() {
    #expect(Picture.bulk(of: [], atLeast: 1) == nil)
    #expect(Picture.bulk(of: [0.5, 0.99], atLeast: 0.1) == 0.5...0.99)
    #expect(Picture.bulk(of: [2, .nan, 2], atLeast: 1) == 1.5...2.5)
  }
}

@Suite("Pictures as SVG files") struct VectorPlotTests {
  private static let picture = Picture(
    title: "HC <1> & \"2\"", xLabel: "test time / h", yLabel: "voltage / V",
    series: [
      .init(
        name: "cycle 1",
        points: [
          .init(x: 0, lowest: 1, highest: 2), .init(x: 1, lowest: 0, highest: 0.5), nil,
          .init(x: 2, lowest: 1, highest: 1),
        ]),
      .init(
        name: "cycle 2", points: [.init(x: 0, lowest: 0, highest: 0), .init(x: 2, lowest: 2, highest: 2)], style: 1),
    ])

  @Test func itIsXMLWithEverythingThatIsWrittenEscaped() throws {
    let text = VectorPlot(width: 400, height: 300).text(Self.picture)
    let elements = try SVGReader.elements(text)
    #expect(elements.first == "svg")
    #expect(elements.count { $0 == "polyline" } == 2)
    #expect(elements.count { $0 == "circle" } == 1)
    #expect(!elements.contains("script"))
    #expect(text.contains("HC &lt;1&gt; &amp; &quot;2&quot;"))
    #expect(text.contains("stroke-dasharray"))
    #expect(!text.contains("nan") && !text.contains("inf"))
  }

  @Test func placesAreWhereTheAxesSayTheyAre() {
    let picture = Picture(
      title: "", xLabel: "", yLabel: "",
      series: [
        .init(
          name: "x",
          points: [
            .init(x: 0, lowest: 1, highest: 2), .init(x: 1, lowest: 0, highest: 0.5), nil,
            .init(x: 2, lowest: 1, highest: 1),
          ])
      ])
    let text = VectorPlot(width: 240, height: 160).text(picture)
    // A stretch is drawn from one end to the other; what is alone is a dot.
    #expect(text.contains(#"points="47.5,36.15 47.5,72 136.75,89.92 136.75,107.85"/>"#), "\(text)")
    #expect(text.contains(##"<circle cx="226" cy="72" r="2" fill="#0072B2" stroke="none"/>"##))
    #expect(text.contains(#"<text x="41.5" y="40.65" text-anchor="end">2</text>"#))
  }

  @Test func controlCharactersAreReplaced() {
    #expect(VectorPlot.escaped("a\u{1}b\u{7}\tc\u{FFFF}") == "a\u{FFFD}b\u{FFFD}\tc\u{FFFD}")
  }

  @Test func nothingIsAPictureToo() throws {
    let empty = Picture(title: "", xLabel: "", yLabel: "", series: [])
    #expect(try SVGReader.elements(VectorPlot().text(empty)).first == "svg")
    let level = Picture(
      title: "", xLabel: "", yLabel: "", series: [.init(name: nil, points: [.init(x: 1, lowest: 1e9, highest: 1e9)])])
    let text = VectorPlot().text(level)
    #expect(try SVGReader.elements(text).contains("circle") && !text.contains("nan"))
  }
}

/// Reads just enough of XML to tell whether it is well formed.
private enum SVGReader {
  struct Malformed: Error { var at: Substring }

  /// The names of the elements in the order of their beginnings.
  static func elements(_ text: String) throws -> [String] {
    var rest = Substring(text)
    var open: [String] = []
    var names: [String] = []
    while let character = rest.first {
      if character == "&" {
        guard ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"].contains(where: { rest.hasPrefix($0) }) else {
          throw Malformed(at: rest.prefix(40))
        }
      }
      guard character == "<" else {
        rest.removeFirst()
        continue
      }
      guard let end = rest.firstIndex(of: ">") else { throw Malformed(at: rest.prefix(40)) }
      let tag = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("?") { continue }
      guard tag.count(where: { $0 == "\"" }) % 2 == 0, !tag.contains("<") else { throw Malformed(at: tag) }
      if tag.hasPrefix("/") {
        guard open.popLast() == String(tag.dropFirst()) else { throw Malformed(at: tag) }
        continue
      }
      let name = String(tag.prefix { $0.isLetter })
      names.append(name)
      if !tag.hasSuffix("/") { open.append(name) }
    }
    guard open.isEmpty else { throw Malformed(at: "unclosed: \(open)") }
    return names
  }
}
