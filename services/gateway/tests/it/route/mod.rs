mod escape;
mod template;
mod trie;
