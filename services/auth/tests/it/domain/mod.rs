mod account;
mod email;
mod locale;
mod one_time_secret;
mod password;
mod refresh_token;
mod role;
mod signing;
