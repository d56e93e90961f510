// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

extension GoldenScripts {
  /// A spectrum, point by point.
  static let impedance = """
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
    var f
    var g
    var x
    var y
    var q
    var w
    var n
    store_var f 0 dc
    store_var g 10000 dc
    store_var x 0 cc
    store_var y 0 cd
    store_var n 0i ee
    set_pgstat_mode 3
    set_max_bandwidth 100000
    set_range_minmax ab -600m 3100m
    set_range_minmax da -600m 3100m
    set_autoranging ba 100n 1m
    set_e 1900m
    timer_start
    cell_on
    timer_get t
    store_var s 1i ja
    pck_start
    pck_add s
    pck_add t
    pck_end
    copy_var t h
    add_var h 100m
    loop n < 31i
    if c != 0i
    breakloop
    endif
    timer_get b
    add_var b 57
    meas_loop_ca o i 1900m 100m 60 add_meas(0 ab p)
    timer_get u
    pck_start
    pck_add u
    pck_add p
    pck_add i
    pck_add o
    pck_end
    if i > 1m
    store_var c 5i jb
    breakloop
    endif
    if i < -1m
    store_var c 5i jb
    breakloop
    endif
    if p > 2100m
    if i > 0
    store_var c 3i jb
    breakloop
    endif
    endif
    if p < -100m
    if i < 0
    store_var c 4i jb
    breakloop
    endif
    endif
    if u >= 20000
    store_var c 6i jb
    breakloop
    endif
    if u >= h
    if u >= 20000
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
    if c == 0i
    meas_loop_eis f x y 10m g g 1i 1900m
    timer_get t
    store_var s 5i ja
    pck_start
    pck_add s
    pck_add t
    pck_add f
    pck_add x
    pck_add y
    pck_end
    copy_var x q
    mul_var q 70710676n
    mul_var q q
    copy_var y w
    mul_var w 70710676n
    mul_var w w
    add_var q w
    if q < 1
    store_var c 5i jb
    endif
    add_var n 1i
    mul_var g 630957344n
    if n == 30i
    store_var g 10m dc
    endif
    endloop
    endif
    endloop
    if c == 0i
    store_var c 10i jb
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
}
