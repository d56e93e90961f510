// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import DriverTrials
import Glibc
import Testing

/// Damaged bytes for both ends of every wire. A short round here; `make fuzz` sets `NACYCLER_TEST_FUZZ_SECONDS`. A crash ends the
/// process: the seed that stands last in the output makes it again.
@Suite struct CodecFuzzTests {
  private static let seconds =
    getenv("NACYCLER_TEST_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) }.map { $0 / Double(families.count) }
  private static let seed = getenv("NACYCLER_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_260_101

  @Test(arguments: families.map(\.name)) func nothingCrashesOrGrows(name: String) throws {
    let family = try #require(families.first { $0.name == name })
    print("fuzz \(name) seed \(Self.seed)")
    var fuzz = CodecFuzz(family, seed: Self.seed)
    let clock = ContinuousClock()
    let end = clock.now + .seconds(Self.seconds ?? 0)
    var rounds = 0
    while rounds < 40 || clock.now < end, fuzz.violations.isEmpty {
      fuzz.round()
      rounds += 1
    }
    print("fuzz \(name): \(rounds) rounds, \(fuzz.bytes) bytes")
    #expect(fuzz.violations.isEmpty, "\(name), seed \(Self.seed), round \(rounds): \(fuzz.violations)")
  }
}
