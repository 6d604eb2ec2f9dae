mod account;
mod email;
mod password;
mod refresh_token;
mod role;
mod signing;
