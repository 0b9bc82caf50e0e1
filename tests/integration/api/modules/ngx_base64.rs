//! `ngx.base64`.

use crate::api::ngx::assert_values;

#[tokio::test]
async fn the_alphabet_is_that_of_urls_and_there_is_no_padding() {
    assert_values(&[
        ("require('ngx.base64').encode_base64url('')", ""),
        ("require('ngx.base64').encode_base64url('f')", "Zg"),
        ("require('ngx.base64').encode_base64url('\\251\\255\\254a')", "-__-YQ"),
        ("require('ngx.base64').encode_base64url(string.rep('a', 300)) == (string.rep('YWFh', 100))", "true"),
        ("require('ngx.base64').decode_base64url('-__-YQ') == '\\251\\255\\254a'", "true"),
        ("require('ngx.base64').decode_base64url('')", ""),
    ])
    .await;
}

#[tokio::test]
async fn it_decodes_what_nginx_decodes() {
    assert_values(&[
        ("require('ngx.base64').decode_base64url('Zg==')", "f"),
        ("require('ngx.base64').decode_base64url('Zg==anything')", "f"),
        ("require('ngx.base64').decode_base64url('Zh')", "f"),
        ("require('ngx.base64').decode_base64url('Z')", "nil, invalid input"),
        ("require('ngx.base64').decode_base64url('Zg+/')", "nil, invalid input"),
        ("require('ngx.base64').decode_base64url('Z g')", "nil, invalid input"),
    ])
    .await;
}

#[tokio::test]
async fn it_takes_strings_alone() {
    for value in ["", "nil", "1", "true", "{}"] {
        for name in ["encode_base64url", "decode_base64url"] {
            assert_values(&[(
                &*format!("require('ngx.base64').{name}({value})"),
                "nil, must provide a string",
            )])
            .await;
        }
    }
}
