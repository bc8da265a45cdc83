//! Frames ([RFC 6455, section 5]): their parts, and the decoder that turns bytes into events.
//!
//! [RFC 6455, section 5]: https://www.rfc-editor.org/rfc/rfc6455#section-5

pub(in crate::ws) mod close;
#[expect(clippy::module_inception, reason = "a file is named after its type")]
pub(in crate::ws) mod frame;
pub(in crate::ws) mod limits;
pub(in crate::ws) mod mask;
#[cfg(feature = "getrandom")]
pub(in crate::ws) mod os_mask_keys;
pub(in crate::ws) mod protocol_error;

#[cfg(feature = "alloc")]
mod encoded;
mod fragments;
mod frame_decoder;
mod frame_event;
mod frame_header;
mod role;
mod utf8_validator;

pub use fragments::Fragments;
pub use frame::ControlTooLong;
pub use frame_decoder::FrameDecoder;
pub use frame_event::{DataKind, FrameEvent, Run};
pub use frame_header::{FrameHeader, HeaderBytes, OpCode, Rsv};
pub use limits::OnLimit;
pub use mask::{MaskKey, NoMask, NoMaskKey};
pub use protocol_error::Fault;
pub use role::Role;
pub use utf8_validator::{InvalidUtf8, Utf8Validator};

// Used by the layers above.
pub(in crate::ws) use close::{Close, CloseCode};
pub(in crate::ws) use frame::Frame;
pub(in crate::ws) use frame::Shape;
pub(in crate::ws) use limits::Limits;
pub(in crate::ws) use mask::MaskSource;
pub(in crate::ws) use protocol_error::ProtocolError;
#[cfg(feature = "alloc")]
pub(in crate::ws) use {
    encoded::{Encoded, FrameLen},
    frame_decoder::Step,
};
