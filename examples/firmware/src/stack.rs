//! Measures the depth of the stack, which `cortex-m-rt` has painted before the start.

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static _stack_start: u32;
    static _stack_end: u32;
}

/// Returns the largest number of bytes that were in use.
pub fn used() -> usize {
    let (mut top, bottom) = (&raw const _stack_end, &raw const _stack_start);
    // SAFETY: `top` points to a word of the stack.
    while top < bottom && unsafe { top.read_volatile() } == STACK_PAINT_VALUE {
        top = top.wrapping_add(1);
    }
    bottom.addr() - top.addr()
}
