// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// swift-format-ignore-file: AlwaysUseLowerCamelCase
//
// What is wrong with a request or a protocol, told to a person.

/// One thing that is wrong with a protocol, or worth a warning, with its place.
public struct Problem: Codable, Sendable, Hashable {
  /// Which of the protocols, by the name under which it was sent.
  @OrNull public var protocol_name: String?
  /// Place in the document, for instance `steps[1].steps[0].until[0]`.
  public var path: String
  /// Line, counted from 1.
  @OrNull public var line: Int?
  /// Column, counted from 1.
  @OrNull public var column: Int?
  /// What is wrong.
  public var message: String
  /// What would be right.
  @OrNull public var hint: String?

  /// Makes one from its parts.
  public init(
    protocol_name: String? = nil, path: String, line: Int? = nil, column: Int? = nil, message: String,
    hint: String? = nil
  ) {
    self.protocol_name = protocol_name
    self.path = path
    self.line = line
    self.column = column
    self.message = message
    self.hint = hint
  }
}

/// The answer to every request that is refused.
public struct ErrorBody: Codable, Sendable, Hashable {
  /// Stable dotted name, for instance `run.not_found`; the list is in docs/control-api.md.
  public var code: String
  /// What was wrong.
  public var message: String
  /// What would be right, or what to do.
  @OrNull public var hint: String?
  /// All that is wrong with the protocols, when that was the reason.
  @OrNull public var problems: [Problem]?

  /// Makes one from its parts.
  public init(code: String, message: String, hint: String? = nil, problems: [Problem]? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
    self.problems = problems
  }
}

/// A request that is refused: thrown by the operations, mapped to a status by the server, thrown again by the client.
public struct RequestRefused: Error, Sendable, Hashable {
  /// Which HTTP status tells it.
  public enum Kind: Int, Sendable, Hashable, CaseIterable {
    /// The request says something wrong: 400.
    case malformed = 400
    /// The person may not do that: 403.
    case forbidden = 403
    /// The thing named does not exist: 404.
    case notFound = 404
    /// Not possible in the present state: 409.
    case conflict = 409
    /// The request or its body is too large: 413.
    case tooLarge = 413
    /// The request is well formed and cannot be carried out, for instance a protocol with problems: 422.
    case impossible = 422
    /// The daemon cannot do it now, for instance with a full disk: 503.
    case unavailable = 503
    /// The daemon made a mistake: 500.
    case failed = 500
  }
  /// Which status.
  public var kind: Kind
  /// What is told.
  public var body: ErrorBody
  /// A refusal with its reason.
  public init(_ kind: Kind, code: String, message: String, hint: String? = nil, problems: [Problem]? = nil) {
    self.kind = kind
    body = ErrorBody(code: code, message: message, hint: hint, problems: problems)
  }
  /// A refusal as it was received.
  public init(kind: Kind, body: ErrorBody) {
    self.kind = kind
    self.body = body
  }
}

/// The answer to a request that changes something.
public struct Acknowledgement: Codable, Sendable, Hashable {
  /// The id under which the event log names the request.
  public var request_id: String
  /// What was done, or what will be done next.
  public var message: String
  /// The run that it concerned.
  @OrNull public var run: Int64?
  /// The channel that it concerned.
  @OrNull public var channel: String?

  /// Makes one from its parts.
  public init(request_id: String, message: String, run: Int64? = nil, channel: String? = nil) {
    self.request_id = request_id
    self.message = message
    self.run = run
    self.channel = channel
  }
}
