// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension GoldenScripts {
  /// 10 mV held until the current is below 10 µA.
  static let constantVoltage = """
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
    set_range_minmax da -545m 3050m
    set_range ba 1m
    set_e 10m
    timer_start
    cell_on
    timer_get t
    store_var s 3i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    copy_var t h
    add_var h 100m
    meas_loop_ca o i 10m 100m 1 add_meas(0 ab p)
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_add o
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
    meas_loop_ca o i 10m 1 60 add_meas(0 ab p)
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_add o
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
    if i < 10u
    if i > -10u
    store_var c 10i jb
    breakloop
    endif
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
}
