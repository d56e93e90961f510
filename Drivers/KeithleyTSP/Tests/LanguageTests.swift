// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing
import VirtualLab

@testable import KeithleyTSPEmulator

/// The language of the emulated instrument on its own, by value.
@Suite struct LanguageTests {
  /// What an instrument prints for messages, and its error queue.
  private func say(_ messages: String, cells: (any VirtualCell, any VirtualCell)? = nil) throws -> [String] {
    var instrument = TSPInstrument(serial: "1", cells: try cells ?? Laboratory.cells())
    instrument.byteTime = 0
    var output: [UInt8] = []
    Array((messages + "\n").utf8).withUnsafeBytes { instrument.receive($0) }
    while instrument.run(until: 100, output: &output, outputLimit: 100_000) == .hostDeadline {}
    return String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }

  @Test(arguments: [
    ("print(1+2*3^2)", "1.90000e+01"), ("print(-2^2)", "-4.00000e+00"), ("print(7-2-1)", "4.00000e+00"),
    ("print(2^3^2)", "5.12000e+02"), ("print(1 .. 2)", "12"), ("print('a'..\"b\"..[[c]])", "abc"),
    ("print(1<2,2<=1,'a'<'b',1~=1)", "true\tfalse\ttrue\tfalse"), ("print(not nil,not 0)", "true\tfalse"),
    ("print(nil and 1,nil or 2,3 and 4,false or nil)", "nil\t2.00000e+00\t4.00000e+00\tnil"),
    ("print(1==1 and 'y' or 'n')", "y"), ("print(.25,1e-3,5e2)", "2.50000e-01\t1.00000e-03\t5.00000e+02"),
    ("print(0/0)", "nan"), ("x=5 print(x) -- and no more", "5.00000e+00"), ("print(unknown)", "nil"),
    ("print(math.max(1,3,2),math.abs(-4),math.floor(2.7))", "3.00000e+00\t4.00000e+00\t2.00000e+00"),
    ("print(string.format('%03d|%+.2e|%s|%%|%6.1f',7,-0.00123,'w',2.25))", "007|-1.23e-03|w|%|   2.2"),
    ("print(string.len('four'),string.sub('abcdef',2,-2),string.upper('x'))", "4.00000e+00\tbcde\tX"),
    ("print(type(nil),type(1),type('s'),type({}),type(print))", "nil\tnumber\tstring\ttable\tfunction"),
    ("print(tonumber('1e3'),tonumber('x'),tostring(2))", "1.00000e+03\tnil\t2"),
    ("print(-134300000e-12)", "-1.34300e-04"),
  ]) func evaluates(chunk: String, text: String) throws { #expect(try say(chunk) == [text]) }

  @Test(
    arguments: [
      ("a,b=1,2 a,b=b,a print(a,b)", "2.00000e+00\t1.00000e+00"),
      (
        "local t={1,2,x=3,['y']=4,{5}} print(t[2],t.x,t.y,t[3][1],t.z)",
        "2.00000e+00\t3.00000e+00\t4.00000e+00\t5.00000e+00\tnil"
      ),
      ("t={} t.a={} t.a.b=7 t.a.c,t.d=8,9 print(t.a.b,t.a.c,t.d)", "7.00000e+00\t8.00000e+00\t9.00000e+00"),
      ("s=0 for i=1,10,3 do s=s+i end print(s)", "2.20000e+01"),
      ("s=0 for i=3,1,-1 do s=s*10+i end print(s)", "3.21000e+02"),
      ("s=0 for k,v in pairs({4,x=5}) do s=s+v end print(s)", "9.00000e+00"),
      ("i=0 while true do i=i+1 if i>4 then break end end print(i)", "5.00000e+00"),
      ("i=0 repeat i=i+2 until i>=5 print(i)", "6.00000e+00"),
      (
        "function f(a,b) return a+b,a-b end x,y=f(5,3) print(x,y,f(1,1))",
        "8.00000e+00\t2.00000e+00\t2.00000e+00\t0.00000e+00"
      ),
      ("function f() return 1,2 end print((f()),f())", "1.00000e+00\t1.00000e+00\t2.00000e+00"),
      ("function f() return 1,2 end print(f() and 5 or 6,{f()}[2])", nil),
      ("function f(n) if n<2 then return 1 end return n*f(n-1) end print(f(6))", "7.20000e+02"),
      ("function f(p) return p.a*p.b end print(f{a=6,b=7})", "4.20000e+01"),
      ("t={f=function(x) return x+1 end} print(t.f(1))", "2.00000e+00"),
      ("do local x=1 x=x+1 y=x end print(x,y)", "nil\t2.00000e+00"),
      ("if 1>2 then print('a') elseif 2>1 then print('b') else print('c') end", "b"),
      ("t={} table.insert(t,3) table.insert(t,4) print(table.getn(t),t[2])", "2.00000e+00\t4.00000e+00"),
    ] as [(String, String?)]) func carriesOut(chunk: String, text: String?) throws
  {
    if let text {
      #expect(try say(chunk) == [text])
    } else {
      #expect(try say("\(chunk)\nprint(errorqueue.count)") == ["1.00000e+00"])
    }
  }

  /// What is no chunk, and what goes wrong in one; the next message is carried out.
  @Test(arguments: [
    ("x=", "-285"), ("print(1", "-285"), ("local function", "-285"), ("for i=1 do end", "-285"), ("1=2", "-285"),
    ("print('open", "-285"), ("x=3 y=@", "-285"), ("break", "-285"), ("nothing.here=1", "-286"), ("x=1+{}", "-286"),
    ("smua.source.voltage=1", "-286"), ("smua.source.output='on'", "-286"), ("unknown()", "-286"),
    ("function f() return f()+1 end f()", "-286"), ("print(1<'a')", "-286"), ("string.format('%d','x')", "-286"),
    ("f() g=2", "-286"),
  ]) func findsErrors(chunk: String, number: String) throws {
    let said = try say("\(chunk)\ne,m=errorqueue.next() print(string.format('%d',e),errorqueue.count) print('on')")
    #expect(said == ["\(number)\t0.00000e+00", "on"])
  }

  @Test func loadsScriptsAndKeepsThem() throws {
    let said = try say(
      """
      loadscript twice
      function twice_it(x)
        return 2*x  -- a comment
      end
      done=true
      endscript
      print(twice_it,done)
      twice()
      print(twice_it(4),done)
      loadscript
      print('first')
      endscript
      script.run()
      loadscript
      print('second')
      endscript
      script.run() script.run()
      twice.run()
      """)
    #expect(said == ["nil\tnil", "8.00000e+00\ttrue", "first", "second", "second"])
  }

  /// Its memory is tidied: a loop may make tables for ever.
  @Test func forgetsWhatNobodyHolds() throws {
    let said = try say("keep={9} for i=1,60000 do t={i,{i}} end print(keep[1],t[1],t[2][1])")
    #expect(said == ["9.00000e+00\t6.00000e+04\t6.00000e+04"])
    #expect(
      try say("all={} for i=1,60000 do all[i]={} end\nprint(errorqueue.count)") == ["1.00000e+00"])
  }

  /// A trigger ends a wait, also one that came before; `abort` ends everything and leaves the outputs.
  @Test func waitsForTriggersAndIsInterrupted() throws {
    var instrument = TSPInstrument(serial: "1", cells: try Laboratory.cells())
    var output: [UInt8] = []
    func send(_ text: String, _ instrument: inout TSPInstrument) {
      Array(text.utf8).withUnsafeBytes { instrument.receive($0) }
    }
    func run(_ seconds: Double, _ instrument: inout TSPInstrument, _ output: inout [UInt8]) {
      let end = instrument.time + seconds
      while instrument.time < end {
        if instrument.run(until: end, output: &output, outputLimit: 1_000) == .idle { instrument.rest(until: end) }
      }
    }
    send("for n=1,3 do print(trigger.wait(2)) end print(timer.measure.t()>5)\n", &instrument)
    run(1, &instrument, &output)
    send("*TRG\nprint('behind')\n", &instrument)
    run(6, &instrument, &output)
    #expect(String(decoding: output, as: UTF8.self) == "true\nfalse\nfalse\ntrue\nbehind\n")
    output = []
    send(
      "smua.source.func=smua.OUTPUT_DCAMPS smua.source.output=smua.OUTPUT_ON\ndelay(50) print('never')\n", &instrument)
    run(2, &instrument, &output)
    send("abort\nprint(smua.source.output)\n", &instrument)
    run(1, &instrument, &output)
    #expect(String(decoding: output, as: UTF8.self) == "1.00000e+00\n")
  }
}
