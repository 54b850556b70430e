//! The wire format, by the examples of its documentation.

use super::proto::Message;

#[test]
fn varints_texts_and_messages_are_those_of_the_documentation() {
    assert_eq!(Message::default().number(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
    let testing = Message::default().text(2, "testing");
    assert_eq!(testing.into_bytes(), b"\x12\x07testing");
    let inside = Message::default().number(1, 150);
    assert_eq!(Message::default().message(3, &inside).into_bytes(), [0x1a, 3, 0x08, 0x96, 0x01]);
    let fixed = Message::default().fixed(47, 1).into_bytes();
    assert_eq!(fixed, [0xf9, 0x02, 1, 0, 0, 0, 0, 0, 0, 0]);
    let most = Message::default().number(1, u64::MAX).into_bytes();
    assert_eq!(most, [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
}
