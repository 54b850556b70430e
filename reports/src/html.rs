//! A run as a page for a browser: one file, no server, no network. The timeline with a lane a
//! process, what flowed over time, and everything that the page of text has.
//!
//! `page` writes the document: what people read, in plain HTML. `data` gathers what is drawn, as
//! compact JSON; `causes` what led to each observation. `script.js` draws it, `style.css` has the
//! colours (those of Okabe and Ito, which the colour-blind can tell apart).

mod causes;
mod data;
mod page;
#[cfg(test)]
mod tests;

pub use page::page;
