//! What a file provides for where a value is absent: names that it tests before it uses them, and keys whose schema says
//! that they may be missing. By names, for the whole file: a name that is tested anywhere counts as tested.

use std::collections::BTreeSet;

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};

/// Methods of a schema by which a key may be missing.
const OPTIONAL: &[&str] = &["catch", "default", "nullable", "nullish", "optional", "prefault"];
/// Methods of a schema that leave a key required.
const REQUIRED: &[&str] = &[
    "base64",
    "email",
    "endsWith",
    "enum",
    "includes",
    "int",
    "length",
    "literal",
    "max",
    "min",
    "nonempty",
    "number",
    "positive",
    "regex",
    "startsWith",
    "string",
    "toLowerCase",
    "trim",
    "url",
    "uuid",
];

/// What is said of absent values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Absence {
    /// Names that are tested for absence.
    tested: BTreeSet<String>,
    /// Names without which the code throws.
    demanded: BTreeSet<String>,
    /// Keys that a schema lets be missing.
    optional: BTreeSet<String>,
    /// Keys that a schema requires.
    required: BTreeSet<String>,
}

/// What a schema says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// It may be missing.
    Optional,
    /// It must be there.
    Required,
    /// Nothing that is understood.
    Silent,
}

impl Absence {
    /// Reads a file.
    pub fn of(program: &Program<'_>) -> Absence {
        let mut absence = Absence::default();
        absence.visit_program(program);
        absence
    }

    /// Whether the code goes on without the value of this name.
    pub fn is_provided_for(&self, name: &str) -> bool {
        self.tested.contains(name) && !self.demanded.contains(name)
    }

    /// What a schema in the file says of a key.
    pub fn schema(&self, key: &str) -> Schema {
        match (self.optional.contains(key), self.required.contains(key)) {
            (true, _) => Schema::Optional,
            (false, true) => Schema::Required,
            (false, false) => Schema::Silent,
        }
    }

    /// The names that a test is about.
    fn test(&mut self, test: &Expression<'_>, throws: bool) {
        match test.get_inner_expression() {
            Expression::Identifier(id) => self.name(id.name.as_str(), throws),
            Expression::UnaryExpression(it) => self.test(&it.argument, throws),
            Expression::LogicalExpression(it) => {
                self.test(&it.left, throws);
                self.test(&it.right, throws);
            }
            Expression::BinaryExpression(it) if it.operator.is_equality() => {
                for (one, other) in [(&it.left, &it.right), (&it.right, &it.left)] {
                    if is_nothing(other) {
                        self.test(one, throws);
                    }
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &str, throws: bool) {
        self.tested.insert(name.to_owned());
        if throws {
            self.demanded.insert(name.to_owned());
        }
    }
}

/// `null`, `undefined`, `''`, and what `typeof` says of nothing.
fn is_nothing(expression: &Expression<'_>) -> bool {
    match expression.get_inner_expression() {
        Expression::NullLiteral(_) => true,
        Expression::Identifier(id) => id.name.as_str() == "undefined",
        Expression::StringLiteral(text) => matches!(text.value.as_str(), "" | "undefined" | "string"),
        _ => false,
    }
}

fn throws(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ThrowStatement(_) => true,
        Statement::BlockStatement(block) => block.body.iter().any(throws),
        _ => false,
    }
}

impl<'a> Visit<'a> for Absence {
    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        let throws = throws(&it.consequent) || it.alternate.as_ref().is_some_and(throws);
        self.test(&it.test, throws);
        walk::walk_if_statement(self, it);
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.test(&it.test, false);
        walk::walk_conditional_expression(self, it);
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        self.test(&it.left, false);
        walk::walk_logical_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        if matches!(it.operator.as_str(), "!" | "typeof") {
            self.test(&it.argument, false);
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        if it.optional {
            self.test(&it.object, false);
        }
        walk::walk_static_member_expression(self, it);
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        if let Some(key) = it.key.static_name() {
            let mut methods = Vec::new();
            if is_schema(&it.value, &mut methods) {
                let said = |list: &[&str]| methods.iter().any(|method| list.contains(method));
                if said(OPTIONAL) {
                    self.optional.insert(key.to_string());
                } else if methods.iter().all(|method| REQUIRED.contains(method) || *method == "coerce") {
                    self.required.insert(key.to_string());
                }
            }
        }
        walk::walk_object_property(self, it);
    }
}

/// Whether an expression is a schema of zod, `z.string().min(1)`; collects its methods.
fn is_schema<'e>(expression: &'e Expression<'_>, methods: &mut Vec<&'e str>) -> bool {
    let mut at = expression;
    loop {
        match at {
            Expression::CallExpression(call) => at = &call.callee,
            Expression::StaticMemberExpression(member) => {
                methods.push(member.property.name.as_str());
                at = &member.object;
            }
            Expression::Identifier(id) => return id.name.as_str() == "z" && !methods.is_empty(),
            _ => return false,
        }
    }
}
