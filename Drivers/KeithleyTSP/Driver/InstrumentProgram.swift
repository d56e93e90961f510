// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What runs on the instrument. It measures both channels, judges cut-offs and bounds at every measurement, switches a
// channel off by itself, and switches both off when the host falls silent. It never ends while an output is on: it waits for
// the host with `trigger.wait`, which a `*TRG` ends, and each of those is a renewal of the lease.
//
// It talks in lines of fixed width, so that a byte that the line swallowed is seen. The names are short because the line
// may be slow; Drivers/KeithleyTSP/README.md says what they mean.

/// The program in the instrument's language.
enum InstrumentProgram {
  /// Changes with the text: an instrument with another program gets this one.
  static let version = 1

  /// Messages that load and run it, one a line.
  static let messages = """
    localnode.prompts=0 localnode.prompts4882=0 localnode.showerrors=0 format.data=format.ASCII
    errorqueue.clear() timer.reset() nc_version=nil
    loadscript
    \(text)
    endscript
    script.run()
    """

  private static let text = [opening, judging, looking, beginning, watching].joined(separator: "\n")

  /// The channels; a time on a channel's clock; off, with the proof.
  private static let opening = """
    nc_c={{n=1,s=smua,t0=0,q=0,b=0},{n=2,s=smub,t0=0,q=0,b=0}}
    function nc_t(c) return timer.measure.t()-c.t0 end
    function nc_off(c,r)
    local s=c.s
    c.r=c.r or r
    s.source.offmode=s.OUTPUT_HIGH_Z
    s.source.output=s.OUTPUT_OFF
    c.te=c.te or nc_t(c)
    c.on=nil
    if c.r==22 then
    local e,m=errorqueue.next()
    print(string.format("E%d %03d %d %s",c.n,c.q,e,m))
    end
    local o,h=s.source.output,s.source.offmode-s.OUTPUT_HIGH_Z
    print(string.format("O%d %03d %016.6f %03d %d %d",c.n,c.q,c.te,c.r,o,h))
    end
    """

  /// Which cut-off is met, by readings that show the drive (the shares are those of `FollowedDrive`); which bound is passed.
  private static let judging = """
    function nc_cut(c,t,v,i)
    local p=c.p
    local f,h=true,true
    if p.m==1 and not c.h then f=v and math.abs(i-p.x)<=math.abs(p.x)/2 end
    if c.h then
    local g=p.g or p.x
    h=v and math.abs(v-g)<=math.max(.05,math.abs(g)/20)
    end
    local j=1
    while p.k[j] do
    local k=p.k[j]
    local x,a=nil,t
    if k[4]==1 or k[1]==4 then
    a=-1
    if c.h then a=t-c.h end
    end
    if a>=p.s then
    if k[1]==1 then x=f and v elseif k[1]==2 then x=i and h and math.abs(i)
    elseif k[1]==3 then x=t elseif k[1]==4 then x=t-c.h end
    end
    local y=k[3]
    if x and ((k[2]==1 and x<=y) or (k[2]==2 and x>=y) or (k[2]==3 and x<y) or (k[2]==4 and x>y)) then
    return 100+j
    end
    j=j+1
    end
    end
    function nc_judge(c,t,v,i,k)
    local p=c.p
    if t>=p.t then return 6 end
    if v and p.m>0 then
    if math.abs(i)>p.b then return 5 end
    if i>0 and v>p.u then return 3 end
    if i<0 and v<p.w then return 4 end
    end
    local r=nc_cut(c,t,v,i)
    if r then return r end
    if v and p.m==1 and not c.h then
    if p.g and t>=p.z and ((p.d*(v-p.g)>=0 and p.d*i>=math.abs(p.x)/20) or (c.o and k)) then
    if c.o and k and math.abs(v-p.g)<=.003 then c.h=t else return 9 end
    elseif k and not c.o then return 8 end
    end
    end
    """

  /// One measurement, and what follows from it.
  private static let looking = """
    function nc_look(c)
    local p=c.p
    local t=nc_t(c)
    local i,v=c.s.measure.iv()
    t=(t+nc_t(c))/2
    local k=c.s.source.compliance
    local h,r=c.h,nil
    if v==v and i==i and math.abs(v)<1e30 and math.abs(i)<1e30 then
    c.b=0
    r=nc_judge(c,t,v,i,k)
    else
    v,i=9.91e37,9.91e37
    c.b=c.b+1
    r=nc_judge(c,t,nil,nil,k)
    if c.b>=8 then r=r or 7 end
    end
    if r or c.h~=h or t>=c.nr then
    local f=0
    if k then f=1 end
    if c.h then f=f+2 end
    print(string.format("R%d %03d %016.6f %+.9e %+.9e %d",c.n,c.q,t,v,i,f))
    c.nr=c.nr+p.i
    if c.nr<=t then c.nr=t+p.i end
    end
    if c.h~=h then print(string.format("H%d %03d %016.6f",c.n,c.q,t)) end
    if r then nc_off(c,r) end
    c.nl=t+math.min(p.i,.25)
    if t<p.z then c.nl=p.z end
    end
    """

  /// A set-point, from a disconnected cell over its open-circuit voltage to the first current.
  private static let beginning = """
    function nc_near(a,b) return math.abs(a-b)<=math.abs(b)*1e-4+1e-12 end
    function nc_zero(s)
    s.source.offmode=s.OUTPUT_HIGH_Z
    s.source.output=s.OUTPUT_OFF
    s.sense=s.SENSE_REMOTE
    s.measure.nplc=1
    s.source.func=s.OUTPUT_DCAMPS
    s.source.rangei=1e-7
    s.source.leveli=0
    s.source.limitv=10
    s.source.sink=s.DISABLE
    s.measure.rangev=6
    if errorqueue.count>0 then return 22 end
    if s.sense~=s.SENSE_REMOTE or s.source.func~=s.OUTPUT_DCAMPS or s.source.leveli~=0 then return 23 end
    if not nc_near(s.source.limitv,10) or not nc_near(s.source.rangei,1e-7) then return 23 end
    end
    function nc_close(c)
    local s,p=c.s,c.p
    if not p.y then c.t0=timer.measure.t() end
    c.nr=nc_t(c)
    c.nl=c.nr
    c.le=c.nr+p.e
    c.on=true
    s.source.output=s.OUTPUT_ON
    local t=nc_t(c)
    if s.source.output~=s.OUTPUT_ON then return 23 end
    if p.m==2 then c.h=t end
    print(string.format("C%d %03d %016.6f",c.n,c.q,t))
    end
    function nc_current(c)
    local s,p=c.s,c.p
    local l=math.max(p.l,math.abs(c.v)+.2)
    c.o=p.o==1 and p.g>=math.abs(c.v)+.2
    if c.o then l=p.g end
    s.source.rangei=p.r
    s.source.leveli=p.x
    s.source.limitv=l
    s.measure.rangev=l
    if p.d<0 then s.source.sink=s.ENABLE end
    return nc_near(s.source.leveli,p.x) and nc_near(s.source.limitv,l) and nc_near(s.source.rangei,p.r)
    end
    function nc_voltage(c)
    local s,p=c.s,c.p
    s.source.func=s.OUTPUT_DCVOLTS
    s.source.rangev=math.abs(p.x)
    s.source.levelv=p.x
    s.source.limiti=p.l
    s.measure.rangei=p.r
    s.source.sink=s.ENABLE
    return nc_near(s.source.levelv,p.x) and nc_near(s.source.limiti,p.l) and s.source.func==s.OUTPUT_DCVOLTS
    end
    function nc_open(c)
    local s=c.s
    s.source.output=s.OUTPUT_ON
    delay(.2)
    local v,k=s.measure.v(),s.source.compliance
    s.source.output=s.OUTPUT_OFF
    if k or v~=v or math.abs(v)>6 then return 20 end
    c.v=v
    end
    function nc_ready(c)
    local p=c.p
    local r=nc_zero(c.s)
    if r then return r end
    if p.m>0 then
    if not p.y then r=nc_open(c) end
    if r then return r end
    local ok
    if p.m==1 then ok=nc_current(c) else ok=nc_voltage(c) end
    if errorqueue.count>0 then return 22 end
    if not ok then return 23 end
    end
    return nc_close(c)
    end
    function nc_begin(p)
    local c=nc_c[p.c]
    c.on,c.r,c.te,c.h,c.o=nil,nil,nil,nil,nil
    c.p,c.q,c.b=p,p.q,0
    errorqueue.clear()
    local r=nc_ready(c)
    if r then nc_off(c,r) end
    nc_watch()
    end
    function nc_stop(n,q)
    local c=nc_c[n]
    c.q=q
    nc_off(c,0)
    nc_watch()
    end
    """

  /// As long as an output is on.
  private static let watching = """
    function nc_watch()
    while nc_c[1].on or nc_c[2].on do
    local w=.25
    for n=1,2 do
    local c=nc_c[n]
    if c.on then w=math.min(w,c.nl-nc_t(c)) end
    end
    local b=trigger.wait(math.max(w,.001))
    for n=1,2 do
    local c=nc_c[n]
    if c.on then
    local t=nc_t(c)
    if b then c.le=t+c.p.e end
    if t>=c.le or c.r then nc_off(c,2) elseif t>=c.nl then nc_look(c) end
    end
    end
    if b then print("T") end
    end
    end
    nc_version=\(version)
    """
}
