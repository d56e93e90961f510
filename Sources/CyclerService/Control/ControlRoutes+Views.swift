// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What is computed from the store when somebody looks: curves, traces, comparisons.

import ControlAPI
import Hummingbird

extension ControlRoutes {
  func addViews(to router: Router<PeerContext>) {
    look(router, "v1/runs/:run/curves", parameters: CurveRequest.keys) { call in
      JSONResponse.make(try await operations.curves(of: try call.run(), try Self.curveRequest(call.query)).bytes)
    }
    look(router, "v1/runs/:run/trace", parameters: TraceRequest.keys) { call in
      func cycle(_ key: String) throws -> Int64? {
        try call.query.value(key, expected: "the number of a cycle, 1 or more") {
          Int64($0).flatMap { $0 > 0 ? $0 : nil }
        }
      }
      let columns = try call.query.value("columns", expected: "1 to \(TraceRequest.mostColumns)") {
        Int($0).flatMap { (1...TraceRequest.mostColumns).contains($0) ? $0 : nil }
      }
      let request = TraceRequest(
        columns: columns ?? 400, first_cycle: try cycle("first_cycle"), last_cycle: try cycle("last_cycle"))
      return try JSONResponse.make(try await operations.trace(of: try call.run(), request))
    }
    look(router, "v1/compare", parameters: ComparisonRequest.keys) { call in
      func cycle(_ key: String) throws -> Int64? {
        try call.query.value(key, expected: "the number of a cycle, 1 or more") {
          Int64($0).flatMap { $0 > 0 ? $0 : nil }
        }
      }
      let by = try call.query.value("by", expected: "cycle or purpose") { ComparisonKey(rawValue: $0) }
      let set = try call.query.value("parameters", expected: "the number or label of a parameter set") {
        ParameterSetName($0)
      }
      let request = ComparisonRequest(
        of: call.query["of"].map { ComparisonRequest.names($0) } ?? [], batch: call.query["batch"], by: by ?? .cycle,
        cycle: try cycle("cycle"), reference: try cycle("reference"), parameters: set)
      return JSONResponse.make(try await operations.compare(request).bytes)
    }
  }

  private static func curveRequest(_ query: QueryParameters) throws -> CurveRequest {
    func positive(_ key: String) throws -> Double? {
      try query.value(key, expected: "a number above 0") {
        Double($0).flatMap { $0 > 0 && $0 < 1e12 ? $0 : nil }
      }
    }
    func count(_ key: String) throws -> Int? { try query.value(key, expected: "a whole number") { Int($0) } }
    let cycles = try query.value("cycle", expected: "numbers, ranges, last and previous, with commas between") {
      CycleSelection($0)
    }
    let curve = try query.value("curve", expected: CurveKind.allCases.map(\.rawValue).joined(separator: ", ")) {
      CurveKind(rawValue: $0)
    }
    let direction = try query.value("direction", expected: "charge or discharge") {
      ["charge", "discharge"].contains($0) ? $0 : nil
    }
    let method = try query.value(
      "smooth", expected: SmoothingMethod.allCases.map(\.rawValue).joined(separator: " or ")
    ) { SmoothingMethod(rawValue: $0) }
    let (window, order) = (try count("window"), try count("order"))
    guard method != nil || (window ?? order) == nil else {
      throw RequestRefused(
        .malformed, code: "request.missing_key", message: "window and order belong to smooth",
        hint: "add smooth=savitzky_golay or smooth=moving_average")
    }
    let smoothing = method.map { method in
      CurveRequest.Smoothing(
        method: method, window: window ?? (method == .movingAverage ? 5 : 11),
        order: order ?? (method == .movingAverage ? 0 : 3))
    }
    return CurveRequest(
      cycles: cycles ?? .last, curve: curve ?? .voltage, direction: direction, grid_mV: try positive("grid_mV"),
      grid_uAh: try positive("grid_uAh"), smoothing: smoothing)
  }
}
