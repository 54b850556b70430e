use super::quote;

#[test]
fn plain_words_stay_as_they_are() {
    for word in ["run", "--seed", "input.rate=5k/s", "fault.1.at=20%..40%", "a/b.case.json"] {
        assert_eq!(quote(word), word);
    }
}

#[test]
fn everything_else_is_quoted_so_that_a_shell_gives_it_back() {
    for word in ["", "two words", "it's", "$HOME", "a;b", "input={ rate = \"1/s\" }", "*"] {
        let script = format!("printf %s {}", quote(word));
        let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), word);
    }
}
