// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The whole text of one script of each mode, so that every change of what an instrument is told shows in review.

enum GoldenScripts {
  /// 134.3 µA of discharge down to 5 mV or for 10 h.
  static let constantCurrent = """
    var c
    var s
    var t
    var u
    var b
    var h
    var p
    var i
    var m
    store_var c 0i jb
    store_var s 0i ja
    store_var t 0 eb
    store_var u -1 eb
    store_var p 0 ab
    store_var i 0 ba
    store_var h 100m eb
    cell_off
    set_pgstat_chan 0
    set_pgstat_mode 6
    set_max_bandwidth 58505m
    set_range_minmax ab -545m 3050m
    set_range db 1m
    set_i -134300n
    timer_start
    cell_on
    timer_get t
    store_var s 1i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    meas_loop_cp p i -134300n 100m 1
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_end
    if i > 268600n
    store_var c 5i jb
    breakloop
    endif
    if i < -268600n
    store_var c 5i jb
    breakloop
    endif
    if p > 2050m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < -45m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 86400
    store_var c 6i jb
    breakloop
    endif
    breakloop
    endloop
    loop c == 0i
    timer_get b
    add_var b 57
    meas_loop_cp p i -134300n 1 60
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_end
    if i > 268600n
    store_var c 5i jb
    breakloop
    endif
    if i < -268600n
    store_var c 5i jb
    breakloop
    endif
    if p > 2050m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < -45m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 86400
    store_var c 6i jb
    breakloop
    endif
    if u >= h
    if p <= 5m
    store_var c 10i jb
    breakloop
    endif
    if u >= 36000
    store_var c 11i jb
    breakloop
    endif
    endif
    endloop
    if c == 0i
    timer_get t
    if t >= b
    store_var c 2i jb
    endif
    endif
    endloop
    on_finished:
    timer_get t
    cell_off
    send_string "nacycler 12 34 driven"
    store_var s 9i ja
    pck_start
    pck_add s
    pck_add c
    pck_add t
    pck_add u
    pck_add p
    pck_add i
    pck_end
    meas 100m m ba
    store_var s 6i ja
    pck_start
    pck_add s
    pck_add m
    pck_end
    """

  /// 1 mA up to 4.25 V, held until 0.1 mA or for 30 min, 4 h in all.
  static let constantCurrentThenVoltage = """
    var c
    var s
    var t
    var u
    var b
    var h
    var p
    var i
    var m
    var o
    var gb
    store_var c 0i jb
    store_var s 0i ja
    store_var t 0 eb
    store_var u -1 eb
    store_var p 0 ab
    store_var i 0 ba
    store_var h 100m eb
    cell_off
    set_pgstat_chan 0
    set_pgstat_mode 6
    set_max_bandwidth 58505m
    set_range_minmax ab -500m 5350m
    set_range db 1m
    set_i 1m
    timer_start
    cell_on
    timer_get t
    store_var s 1i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    meas_loop_cp p i 1m 100m 1
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_end
    if i > 2m
    store_var c 5i jb
    breakloop
    endif
    if i < -2m
    store_var c 5i jb
    breakloop
    endif
    if p > 4350m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < 1950m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 15000
    store_var c 6i jb
    breakloop
    endif
    breakloop
    endloop
    loop c == 0i
    timer_get b
    add_var b 28500m
    meas_loop_cp p i 1m 500m 30
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_end
    if i > 2m
    store_var c 5i jb
    breakloop
    endif
    if i < -2m
    store_var c 5i jb
    breakloop
    endif
    if p > 4350m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < 1950m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 15000
    store_var c 6i jb
    breakloop
    endif
    if u >= 100m
    if p >= 4250m
    store_var c 1i jb
    breakloop
    endif
    endif
    if u >= h
    if u >= 14400
    store_var c 12i jb
    breakloop
    endif
    endif
    endloop
    if c == 0i
    timer_get t
    if t >= b
    store_var c 2i jb
    endif
    endif
    endloop
    if c == 1i
    timer_get t
    cell_off
    store_var s 2i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    set_pgstat_mode 3
    set_max_bandwidth 58505m
    set_range_minmax ab -500m 5350m
    set_range_minmax da -500m 5350m
    set_autoranging ba 1m 10m
    set_e 4250m
    cell_on
    timer_get t
    store_var s 3i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    copy_var t h
    add_var h 100m
    copy_var t gb
    add_var gb 1800
    meas_loop_ca o i 4250m 100m 1 add_meas(0 ab p)
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_add o
    pck_end
    if i > 2m
    store_var c 5i jb
    breakloop
    endif
    if i < -2m
    store_var c 5i jb
    breakloop
    endif
    if p > 4350m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < 1950m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 15000
    store_var c 6i jb
    breakloop
    endif
    breakloop
    endloop
    loop c == 1i
    timer_get b
    add_var b 28500m
    meas_loop_ca o i 4250m 500m 30 add_meas(0 ab p)
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_add o
    pck_end
    if i > 2m
    store_var c 5i jb
    breakloop
    endif
    if i < -2m
    store_var c 5i jb
    breakloop
    endif
    if p > 4350m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < 1950m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 15000
    store_var c 6i jb
    breakloop
    endif
    if u >= h
    if i <= 100u
    if i >= -100u
    store_var c 10i jb
    breakloop
    endif
    endif
    if u >= gb
    store_var c 11i jb
    breakloop
    endif
    if u >= 14400
    store_var c 12i jb
    breakloop
    endif
    endif
    endloop
    if c == 1i
    timer_get t
    if t >= b
    store_var c 2i jb
    endif
    endif
    endloop
    endif
    on_finished:
    timer_get t
    cell_off
    send_string "nacycler 12 34 driven"
    store_var s 9i ja
    pck_start
    pck_add s
    pck_add c
    pck_add t
    pck_add u
    pck_add p
    pck_add i
    pck_end
    meas 100m m ba
    store_var s 6i ja
    pck_start
    pck_add s
    pck_add m
    pck_end
    """

  /// Ten minutes of open circuit.
  static let openCircuit = """
    var c
    var s
    var t
    var u
    var b
    var h
    var p
    var i
    var m
    store_var c 0i jb
    store_var s 0i ja
    store_var t 0 eb
    store_var u -1 eb
    store_var p 0 ab
    store_var i 0 ba
    store_var h 100m eb
    cell_off
    set_pgstat_chan 0
    set_pgstat_mode 3
    set_max_bandwidth 58505m
    set_range_minmax ab -545m 3050m
    set_range ba 1u
    timer_start
    loop c == 0i
    timer_get b
    add_var b 40
    meas_loop_ocp p 10 60
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_end
    if u >= 86400
    store_var c 6i jb
    breakloop
    endif
    if u >= h
    if u >= 600
    store_var c 10i jb
    breakloop
    endif
    endif
    endloop
    if c == 0i
    timer_get t
    if t >= b
    store_var c 2i jb
    endif
    endif
    endloop
    on_finished:
    timer_get t
    cell_off
    send_string "nacycler 12 34 rest"
    store_var s 9i ja
    pck_start
    pck_add s
    pck_add c
    pck_add t
    pck_add u
    pck_add p
    pck_add i
    pck_end
    meas 100m m ba
    store_var s 6i ja
    pck_start
    pck_add s
    pck_add m
    pck_end
    """
}
