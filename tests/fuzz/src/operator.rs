//! An operator whom Access lets in: a token as the emulator's Access makes them, good on the day on which every input is
//! tried, and the key that it was signed with. It opens this plane in memory and nothing else.

/// The settings that the token is for.
pub const SETTINGS: [(&str, &str); 3] = [
    ("ACCESS_TEAM_URL", "https://team.cloudflareaccess.com"),
    ("ACCESS_AUD", "the-audience"),
    ("ACCESS_OPERATORS", "ada@example.com"),
];

/// The token.
pub const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ijg3Nzk2NWM5ODg2M2NhYzE2YTI5OWZjOGYxYjM5YmFkMmZmNjZiZWUwYTVlM2JkNjg3OGQwZDQ5ZjU2\
     Y2Y4MWYiLCJ0eXAiOiJKV1QifQ.eyJhdWQiOlsidGhlLWF1ZGllbmNlIl0sImNvdW50cnkiOiJVUyIsImVtYWlsIjoiYWRhQGV4YW1wbGUuY\
     29tIiwiZXhwIjoxNzkzNjIwODAwLCJpYXQiOjE3OTM1MzQ0MDAsImlkZW50aXR5X25vbmNlIjoiYjVmYzg1ZTU1NzU1ZjllMCIsImlzcyI6I\
     mh0dHBzOi8vdGVhbS5jbG91ZGZsYXJlYWNjZXNzLmNvbSIsIm5iZiI6MTc5MzUzNDQwMCwic3ViIjoiYjVmYzg1ZTUtNTc1NS1mOWUwLWQwM\
     zAtYTEwYWI0NDI5YjZiIiwidHlwZSI6ImFwcCJ9.cjTamqUjfM6twSBI-CsYKJo58nnu7ZZRocrpq-LqcoY6DXoxRgQcJ7X1g3Da28_AZ_da\
     bcdcTLs55cLmnku1lZ825Ae60Q51w0a1ZWEyon_tM4qoJky_rgke5aUs9ADrGTBWT-PrCPm4_SOY6NLAdmdkWRH1NzFYuuBFbwijeoFxdiC-\
     1XgEx8LkpZQtPw5N08P5By5h63JbGgXXj6DLbJ5CJeEUH7tUm-UJNZjxhzMqke7i1st_IGkoWM3XvI0kdaNP_2_lcRgLjRYBQ4JlZU5Z1z2I\
     fQ5QAmcXLrfHxX8o6VyC4Yq0NF-f0rOQibxKtK462nJPdwTWXBQ3cshEyw";

/// The team's keys, as `/cdn-cgi/access/certs` answers.
pub fn keys() -> String {
    let (kid, n) = (KEY_ID, MODULUS);
    serde_json::json!({"keys": [{"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB", "n": n}]})
        .to_string()
}

const KEY_ID: &str = "877965c98863cac16a299fc8f1b39bad2ff66bee0a5e3bd6878d0d49f56cf81f";

const MODULUS: &str = "w32H5H76VV-OnrMD8BFWQOzxPyUXVW1oKv34jxtYFzvKfyYU7hkrHyWEEY_Tu3Oai1CfPdvraYPfgC4qOnG07tSIxYWtYOhk7R29K1kUyXwO\
     wQRgqXGu41ccrNaJBUQBYV7Ig6VIYQ8XgXf8prOlqt3LktA_sSBm0ZTgN-cdRZDhbWiodQM1jqz5BRGxSRqoiiOlQSEvM42BaUYimgbfnGPV\
     2Yu1S3fNTbRYW4gMuCkAO2A1V40Zg3k3ETMDE_Cg8cD2cdkeDxeab0dM1HTJ3woj9oUzzzNr3M7mPgpjJnJe9U8_F01-1YoszxAeCyE0FPnr\
     gHRSW8aafw3ltemJrQ";
