// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

@testable import nactl

@Suite("A curve in a terminal") struct CurvePlotTests {
  @Test func aStraightLine() {
    let points = (0...19).map { CurvePlot.Point(x: Double($0), lowest: Double($0), highest: Double($0)) }
    let text = CurvePlot(points: points, width: 20, height: 3).text(yUnit: "V") { "\(Int($0)) s" }
    #expect(
      text == """
        19.000 V ┤⠀⠀⠀⠀⠀⠀⢀⣠⠴⠚
         9.500 V ┤⠀⠀⠀⢀⡤⠖⠋
         0.000 V ┤⣠⠴⠚⠉
                 └──────────
                  0 s   19 s

        """)
  }

  /// Each extreme has its dot, and the line is not torn where the voltage jumps.
  @Test func aJumpIsAnUprightLine() {
    let points = [(0.0, 0.0), (1.0, 0.0), (2.0, 4.0), (3.0, 4.0)].map {
      CurvePlot.Point(x: $0.0, lowest: $0.1, highest: $0.1)
    }
    let lines = CurvePlot(points: points, width: 20, height: 4).text(yUnit: "V") { "\($0)" }.split(separator: "\n")
    #expect(lines.count == 6)
    #expect(lines[0].hasPrefix(" 4.000 V ┤") && lines[3].hasPrefix(" 0.000 V ┤"))
    let upright = lines[0..<4].map { line in
      line.unicodeScalars.filter { $0.value & 0xFF00 == 0x2800 && $0.value & 0x00FF != 0 }.count
    }
    #expect(upright.allSatisfy { $0 >= 1 }, "\(lines)")
  }

  @Test func nothingIsDrawnOfNothing() {
    #expect(CurvePlot(points: [], width: 80).text(yUnit: "V") { "\($0)" }.isEmpty)
    let one = CurvePlot.Point(x: 1, lowest: 1, highest: 1)
    #expect(CurvePlot(points: [one], width: 80).text(yUnit: "V") { "\($0)" }.isEmpty)
    let level = [one, CurvePlot.Point(x: 2, lowest: 1, highest: 1)]
    #expect(CurvePlot(points: level, width: 80).text(yUnit: "V") { "\($0)" }.contains("1.000 V"))
  }
}
