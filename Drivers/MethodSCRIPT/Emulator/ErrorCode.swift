// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What the instrument says when it refuses. The numbers and their meaning are the public ones of the family's
// communication protocol; only those that this emulator can answer are listed.

/// Why a command or a script was refused; sent as four hexadecimal digits.
enum ErrorCode: UInt16, Error, Sendable, CaseIterable {
  /// The communication command is not known.
  case unknownCommunicationCommand = 0x0003
  /// The register is not known.
  case unknownRegister = 0x0004
  /// The communication command is not allowed now, for instance because a script runs.
  case wrongCommunicationMode = 0x0006
  /// A line does not fit into the line buffer.
  case lineTooLong = 0x0008
  /// No memory for the variables.
  case outOfVariableMemory = 0x000B
  /// There is no script to run.
  case noScriptLoaded = 0x000C
  /// The potential cannot be applied.
  case invalidPotential = 0x000F
  /// A variable became NaN or infinite.
  case notANumber = 0x0010
  /// An open-circuit measurement while the cell is on.
  case openCircuitWithCellOn = 0x0014
  /// The language has it, this instrument has not.
  case unsupported = 0x001B
  /// The potentiostat mode does not exist here.
  case unsupportedMode = 0x0021
  /// The command means nothing in the present potentiostat mode.
  case wrongMode = 0x0023
  /// Division by zero.
  case dividedByZero = 0x0028
  /// The channel does not exist.
  case unknownChannel = 0x002F
  /// The instrument is not a multi-channel one.
  case notMultichannel = 0x0048
  /// The variable type has no ranges.
  case noRanges = 0x0084
  /// The script command is not known.
  case unknownCommand = 0x4001
  /// A character that does not belong there.
  case unexpectedCharacter = 0x4004
  /// The script does not fit into the script memory.
  case scriptTooLarge = 0x4005
  /// The optional argument does not belong to the command.
  case invalidOptionalArgument = 0x4008
  /// A measurement loop inside a measurement loop.
  case nestedMeasurementLoop = 0x400B
  /// The command makes no sense here, such as `breakloop` outside a loop.
  case notHere = 0x400C
  /// Scopes are nested too deeply.
  case scopeTooDeep = 0x400D
  /// The command closes or continues a scope that is not open.
  case wrongScope = 0x400E
  /// The array has no such element.
  case indexOutOfBounds = 0x400F
  /// A hexadecimal or binary literal is not an integer.
  case hexadecimalNotInteger = 0x4014
  /// The script ends inside a scope.
  case endedUnexpectedly = 0x4018
  /// The command must not stand inside a measurement loop.
  case notInMeasurementLoop = 0x401A
  /// Package commands in a wrong order.
  case packageSequence = 0x401B
  /// Too many variables in a package.
  case packageTooLarge = 0x401C
  /// The variable exists already.
  case duplicateVariable = 0x4026
  /// The cell must be on.
  case needsCellOn = 0x4027
  /// The name contains something other than a-z, 0-9 and _, or does not begin with a letter.
  case invalidName = 0x402B
  /// The name is too long.
  case nameTooLong = 0x402C
  /// The potential or its range cannot be set inside the measurement loop.
  case potentialInLoop = 0x4032
  /// The current or its range cannot be set inside the measurement loop.
  case currentInLoop = 0x4033
  /// A computation left the range of its type.
  case overflow = 0x4037
  /// An array element is written wrongly.
  case malformedElement = 0x4038
  /// A literal is written wrongly.
  case malformedLiteral = 0x4039
  /// The output mode does not exist.
  case unknownOutputMode = 0x403C
  /// The comparison does not exist.
  case invalidComparison = 0x4041
  /// The value must not be negative.
  case mustNotBeNegative = 0x4200
  /// The value must not be zero.
  case mustNotBeZero = 0x4202
  /// The value must be positive.
  case mustBePositive = 0x4204
  /// The value lies outside what the command allows.
  case outOfBounds = 0x4205
  /// An integer where a number with a unit prefix is wanted, or the other way round.
  case wrongDataType = 0x4207
  /// The variable type does not exist or does not fit the command.
  case invalidVariableType = 0x4209
  /// One argument too many.
  case extraArgument = 0x420A
  /// The variable is not declared.
  case undeclaredVariable = 0x420B
  /// A variable where the command wants something else.
  case variableNotAllowed = 0x420C
  /// A literal where the command wants a variable.
  case literalNotAllowed = 0x420D
  /// A whole array where the command wants one value.
  case arrayNotAllowed = 0x420E
  /// A brace in an interpolated string is not closed.
  case openBrace = 0x4210

  /// The four hexadecimal digits.
  var digits: String {
    let text = String(rawValue, radix: 16, uppercase: true)
    return String(repeating: "0", count: 4 - text.count) + text
  }
}

/// A script that the instrument does not take, and where it stopped reading.
struct ScriptRefusal: Error, Hashable, Sendable {
  /// Why.
  var code: ErrorCode
  /// Counted from 1, the line after the command being the first.
  var line: Int
  /// Counted from 1: where the offending word begins, or one behind the line's end when a word is missing.
  var column: Int
}
