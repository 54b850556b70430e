//! What needs no run: text that must not end the page's elements.

use super::page::escaped;

#[test]
fn text_is_escaped() {
    assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
}
