use super::escaped;

#[test]
fn whatever_is_said_fits_into_xml() {
    assert_eq!(escaped("a<b> & \"c\"\n\u{1}é"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;é");
}
